"""Placing orders, closed loop: how many a second, and what each costs every process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.cache import say
from tests.bench import open_loop, orders
from tests.bench.load import Result, attack
from tests.bench.measures import Measure, at_least, at_most, figure
from tests.bench.stacks import (
    DUE,
    SETTLED,
    Bench,
    Memory,
    Used,
    idle,
    memory,
    settle,
    turns,
)

CONNECTIONS = (1, 8, 64)
COSTED = 8
"""Connections at which processor time is counted."""
LOADED = 64
"""Connections after which memory is read."""
TOGETHER = 2
"""Stacks that place before both wait: windows of 4 s end before a sweep looks at any order."""
COST = "processor time of an order, all processes"
MEMORY = f"memory of counter-api under {LOADED} connections, "
TARGETS = {
    ("peer", "orders placed, 8 connections"): at_least(0.65),
    ("peer", "orders placed, 64 connections"): at_least(0.8),
    ("before", "orders placed, 8 connections"): at_least(1.5),
    ("before", "orders placed, 64 connections"): at_least(1.5),
    ("before", COST): at_most(0.6),
    ("before", f"{MEMORY}resident"): at_most(0.6),
}
"""By the other side and the measure's name."""

STOCK_RATE, STOCK_SECONDS = 40, 10

Side = str


def stock(*stacks: Bench) -> None:
    """Have the same orders in each, so that their pages are equally long; and all settled."""
    for each in stacks:
        open_loop.place(each.url("counter"), STOCK_RATE, STOCK_SECONDS)
    settle(*stacks)


@dataclass
class Placing:
    """What was found of the stacks, by side; a value a round."""

    stacks: Mapping[Side, Bench]
    is_costed: bool = True
    """Otherwise nobody waits for what orders cause later: the next one to be measured has it."""
    results: dict[tuple[Side, int], list[Result]] = field(default_factory=dict)
    costs: dict[Side, list[dict[str, float]]] = field(default_factory=dict)
    """Processor milliseconds of an order, by process."""
    loaded: dict[Side, list[Memory]] = field(default_factory=dict)
    """counter-api's memory."""

    def run(self, connections: Sequence[int], rounds: int, seconds: float) -> None:
        unused = idle(self.stacks) if self.is_costed else {}
        for number in range(rounds):
            for wanted in connections:
                sides = turns(self.stacks, number)
                for first in range(0, len(sides), TOGETHER):
                    some = {side: Used(self.stacks[side]) for side in sides[first:][:TOGETHER]}
                    for side in some:
                        say(f"Placing orders: {side}, {wanted} connections, round {number + 1} …")
                        self._attack(side, wanted, seconds)
                    self._settle(some, wanted, unused)

    def _attack(self, side: Side, connections: int, seconds: float) -> None:
        stack = self.stacks[side]
        result = attack(orders.targets(stack.url("counter")), connections, seconds)
        self.results.setdefault((side, connections), []).append(result)
        if connections == LOADED:
            self.loaded.setdefault(side, []).append(memory(stack.pid("counter-api")))
        settle(stack, seconds=0)

    def _settle(
        self, since: Mapping[Side, Used], connections: int, unused: dict[Side, dict[str, float]]
    ) -> None:
        """An order's cost is all that it causes: events and sweeps come after its answer."""
        if not self.is_costed:
            return
        # From one that is counted to the next, and before the first, nothing is left over.
        settle(
            *(self.stacks[side] for side in since),
            seconds=SETTLED if connections <= COSTED else DUE,
        )
        if connections != COSTED:
            return
        for side, used in since.items():
            (*_, result) = self.results[side, COSTED]
            per_order = {
                name: 1000 * seconds / result.answered
                for name, seconds in used.beyond(unused[side]).items()
            }
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
                yield pair.measure(f"orders placed, {what}", "1/s", other, _placed)
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
        yield Measure(COST, "ms", mine, yours, other, TARGETS.get((other, COST)))

    def _memory(self, other: Side) -> Iterator[Measure]:
        for kind in ("resident", "anonymous"):
            mine, yours = (
                figure(getattr(each, kind) for each in self.loaded[side])
                for side in ("ours", other)
            )
            name = f"{MEMORY}{kind}"
            yield Measure(name, "MB", mine, yours, other, TARGETS.get((other, name)))


@dataclass(frozen=True)
class _Pair:
    ours: list[Result]
    theirs: list[Result]

    def measure(
        self, name: str, unit: str, other: Side, value: Callable[[Result], float]
    ) -> Measure:
        ours, theirs = figure(map(value, self.ours)), figure(map(value, self.theirs))
        return Measure(name, unit, ours, theirs, other, TARGETS.get((other, name)))


def _placed(result: Result) -> float:
    return result.per_second(201)


def _p99(result: Result) -> float:
    return result.p99


def _refused(result: Result) -> float:
    return 100 * result.refused
