"""Placing orders, closed loop: how many a second, and what each costs every process."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.cache import say
from tests.bench import orders
from tests.bench.load import Result, attack
from tests.bench.measures import Measure, Target, at_least, figure
from tests.bench.stacks import TIMERS, Bench, Memory, memory, processor_seconds, settle, turns

CONNECTIONS = (1, 8, 64)
COSTED = 8
"""Connections at which processor time is counted."""
LOADED = 64
"""Connections after which memory is read."""
TARGETS = {8: at_least(0.7), 64: at_least(0.7)}
IDLE_SECONDS = 4.0

Side = str


@dataclass
class Placing:
    """What was found of the stacks, by side; a value a round."""

    stacks: Mapping[Side, Bench]
    is_costed: bool = True
    """Otherwise nobody waits for the timers of the orders: the next one to be measured has them."""
    results: dict[tuple[Side, int], list[Result]] = field(default_factory=dict)
    costs: dict[Side, list[dict[str, float]]] = field(default_factory=dict)
    """Processor milliseconds of an order, by process."""
    loaded: dict[Side, list[Memory]] = field(default_factory=dict)
    """counter-api's memory."""

    def run(self, connections: Sequence[int], rounds: int, seconds: float) -> None:
        idle = {side: _idle(stack) for side, stack in self.stacks.items()}
        for number in range(rounds):
            for wanted in connections:
                for side in turns(self.stacks, number):
                    say(f"Placing orders: {side}, {wanted} connections, round {number + 1} …")
                    self._attack(side, wanted, seconds, idle[side])

    def _attack(self, side: Side, connections: int, seconds: float, idle: dict[str, float]) -> None:
        stack = self.stacks[side]
        before, begin = processor_seconds(stack), time.monotonic()
        result = attack(orders.targets(stack.url("counter")), connections, seconds)
        self.results.setdefault((side, connections), []).append(result)
        if connections == LOADED:
            self.loaded.setdefault(side, []).append(memory(stack.pid("counter-api")))
        # An order's cost is all that it causes: events and timers come after its answer.
        settle(stack, seconds=TIMERS if self.is_costed else 0)
        elapsed, after = time.monotonic() - begin, processor_seconds(stack)
        if self.is_costed and connections == COSTED:
            cost = {
                name: max(0.0, used - before.get(name, 0) - idle.get(name, 0) * elapsed)
                for name, used in after.items()
            }
            per_order = {name: 1000 * used / result.answered for name, used in cost.items()}
            self.costs.setdefault(side, []).append(per_order)

    @property
    def peak(self) -> float:
        """Our most orders a second, the median of the rounds."""
        ours = [results for (side, _), results in self.results.items() if side == "ours"]
        return max(figure(map(_placed, each)).median for each in ours)

    def measures(self) -> Iterator[Measure]:
        others = [side for side in self.stacks if side != "ours"]
        for connections in dict.fromkeys(wanted for _, wanted in self.results):
            what = f"{connections} connection{'s' if connections > 1 else ''}"
            for other in others:
                pair = _Pair(self.results["ours", connections], self.results[other, connections])
                target = TARGETS.get(connections) if other == "peer" else None
                yield pair.measure(f"orders placed, {what}", "1/s", other, _placed, target)
                yield pair.measure(f"answer to a post, p99, {what}", "ms", other, _p99)
                if any(result.refused for result in (*pair.ours, *pair.theirs)):
                    yield pair.measure(f"posts refused, {what}", "%", other, _refused)
        for other in others:
            if self.costs:
                yield from self._costs(other)
            if self.loaded:
                yield from self._memory(other)

    def _costs(self, other: Side) -> Iterator[Measure]:
        ours, theirs = self.costs["ours"], self.costs[other]
        for name in ours[0]:
            mine = figure(each[name] for each in ours)
            # On Spin the four APIs are one process.
            if name in theirs[0]:
                yours = figure(each[name] for each in theirs)
                yield Measure(f"processor time of an order, {name}", "ms", mine, yours, other)
        mine, yours = (figure(sum(each.values()) for each in costs) for costs in (ours, theirs))
        yield Measure("processor time of an order, all processes", "ms", mine, yours, other)

    def _memory(self, other: Side) -> Iterator[Measure]:
        for kind in ("resident", "anonymous"):
            mine, yours = (
                figure(getattr(each, kind) for each in self.loaded[side])
                for side in ("ours", other)
            )
            name = f"memory of counter-api under {LOADED} connections, {kind}"
            yield Measure(name, "MB", mine, yours, other)


@dataclass(frozen=True)
class _Pair:
    ours: list[Result]
    theirs: list[Result]

    def measure(
        self,
        name: str,
        unit: str,
        other: Side,
        value: Callable[[Result], float],
        target: Target | None = None,
    ) -> Measure:
        ours, theirs = figure(map(value, self.ours)), figure(map(value, self.theirs))
        return Measure(name, unit, ours, theirs, other, target)


def _placed(result: Result) -> float:
    return result.per_second(201)


def _p99(result: Result) -> float:
    return result.p99


def _refused(result: Result) -> float:
    return 100 * result.refused


def _idle(stack: Bench) -> dict[str, float]:
    """What each process uses a second when nobody orders anything."""
    before = processor_seconds(stack)
    time.sleep(IDLE_SECONDS)
    after = processor_seconds(stack)
    return {name: (after[name] - before[name]) / IDLE_SECONDS for name in after}
