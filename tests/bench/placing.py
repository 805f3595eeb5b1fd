"""Placing orders, closed loop: how many a second, and what each costs every process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.base.console import say
from tests.bench import open_loop, orders
from tests.bench.load import Result, attack
from tests.bench.measures import Measure, at_least, at_most, figure
from tests.bench.stacks import DUE, Bench, Memory, Used, alternating, idle, memory, settle

COSTED = 8
"""Connections at which processor time is counted."""
LOADED = 64
"""Connections after which memory is read."""
COST = "processor time of an order, all processes"
MEMORY = f"memory of counter-api under {LOADED} connections, "
TARGETS = {
    ("peer", "orders placed, 8 connections"): at_least(0.65),
    ("peer", "orders placed, 64 connections"): at_least(0.8),
    ("new ones", "orders placed, 1 connection"): at_least(1.1),
    ("new ones", "orders placed, 8 connections"): at_least(1.1),
    ("before", "orders placed, 8 connections"): at_least(1.5),
    ("before", "orders placed, 64 connections"): at_least(1.5),
    ("before", COST): at_most(0.6),
    ("workflow", COST): at_most(0.5),
    ("before", f"{MEMORY}resident"): at_most(0.6),
}
"""By the other side and the measure's name."""

STOCK_RATE, STOCK_SECONDS = 40, 10

Variant = str


def stock(*stacks: Bench) -> None:
    """Have the same orders in each, so that their pages are equally long; and all settled."""
    for each in stacks:
        open_loop.place(each.url("counter"), STOCK_RATE, STOCK_SECONDS)
    settle(*stacks)


@dataclass
class Placing:
    """What was found of the stacks, by side; a value a round."""

    stacks: Mapping[Variant, Bench]
    is_rested: bool = True
    """Otherwise nobody waits for what orders cause later: the next one to be measured has it."""
    results: dict[tuple[Variant, int], list[Result]] = field(default_factory=dict)
    costs: dict[Variant, list[dict[str, float]]] = field(default_factory=dict)
    """Processor milliseconds of an order, by process."""
    loaded: dict[Variant, list[Memory]] = field(default_factory=dict)
    """counter-api's memory."""

    def run(self, connections: Sequence[int], rounds: int, seconds: float) -> None:
        for number in range(rounds):
            for wanted in connections:
                self._round(number, wanted, seconds)
                if self.is_rested:
                    settle(*self.stacks.values(), seconds=DUE)

    def cost(self, rounds: int, seconds: float) -> None:
        """The same with `COSTED` connections, where all is counted that an order causes: events and
        sweeps come after its answer. Nothing is left over from before."""
        settle(*self.stacks.values())
        unused = idle(self.stacks)
        for number in range(rounds):
            since = {variant: Used(stack) for variant, stack in self.stacks.items()}
            self._round(number, COSTED, seconds)
            settle(*self.stacks.values())
            for variant, used in since.items():
                (*_, result) = self.results[variant, COSTED]
                per_order = {
                    name: 1000 * spent / result.answered
                    for name, spent in used.beyond(unused[variant]).items()
                }
                self.costs.setdefault(variant, []).append(per_order)

    def _round(self, number: int, connections: int, seconds: float) -> None:
        """The stacks in turn. No order is due to be swept within two windows of 4 s."""
        for variant in alternating(self.stacks, number):
            say(f"Placing orders: {variant}, {connections} connections, round {number + 1} …")
            self._attack(variant, connections, seconds)

    def _attack(self, variant: Variant, connections: int, seconds: float) -> None:
        stack = self.stacks[variant]
        result = attack(orders.targets(stack.url("counter")), connections, seconds)
        self.results.setdefault((variant, connections), []).append(result)
        if connections == LOADED:
            self.loaded.setdefault(variant, []).append(memory(stack.pid("counter-api")))
        settle(stack, seconds=0)

    def peak(self, variant: Variant) -> float:
        """Its most orders a second, the median of the rounds."""
        found = [results for (of, _), results in self.results.items() if of == variant]
        return max(figure(map(_placed, each)).median for each in found)

    def measures(self) -> Iterator[Measure]:
        others = [variant for variant in self.stacks if variant != "ours"]
        for connections in sorted({wanted for _, wanted in self.results}):
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

    def _costs(self, other: Variant) -> Iterator[Measure]:
        ours, theirs = self.costs["ours"], self.costs[other]
        for name in ours[0]:
            mine = figure(each[name] for each in ours)
            # On Spin the four APIs are one process.
            if name in theirs[0]:
                yours = figure(each[name] for each in theirs)
                yield Measure(f"processor time of an order, {name}", "ms", mine, yours, other)
        mine, yours = (figure(sum(each.values()) for each in costs) for costs in (ours, theirs))
        yield Measure(COST, "ms", mine, yours, other, TARGETS.get((other, COST)))

    def _memory(self, other: Variant) -> Iterator[Measure]:
        for kind in ("resident", "anonymous"):
            mine, yours = (
                figure(getattr(each, kind) for each in self.loaded[variant])
                for variant in ("ours", other)
            )
            name = f"{MEMORY}{kind}"
            yield Measure(name, "MB", mine, yours, other, TARGETS.get((other, name)))


@dataclass(frozen=True)
class _Pair:
    ours: list[Result]
    theirs: list[Result]

    def measure(
        self, name: str, unit: str, other: Variant, value: Callable[[Result], float]
    ) -> Measure:
        ours, theirs = figure(map(value, self.ours)), figure(map(value, self.theirs))
        return Measure(name, unit, ours, theirs, other, TARGETS.get((other, name)))


def _placed(result: Result) -> float:
    return result.per_second(201)


def _p99(result: Result) -> float:
    return result.p99


def _refused(result: Result) -> float:
    return 100 * result.refused
