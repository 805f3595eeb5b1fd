"""From an order's post to its being fulfilled, at a steady rate that both sides can take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scripts.base.console import say
from tests.bench import open_loop
from tests.bench.measures import Measure, at_most, figure
from tests.bench.open_loop import Timed
from tests.bench.stacks import DUE, Bench, alternating, settle

PERCENTILES = (0.5, 0.99)
TARGETS = {
    ("peer", 0.5): at_most(1.25),
    ("peer", 0.99): at_most(1.5),
    ("before", 0.5): at_most(0.8),
    ("before", 0.99): at_most(0.8),
}
"""By the other side and the percentile."""


@dataclass
class Fulfilment:
    """What was found, by side; a value a round. `rate` is in orders a second."""

    stacks: Mapping[str, Bench]
    rate: float
    found: dict[str, list[Timed]] = field(default_factory=dict)

    def run(self, rounds: int, seconds: float) -> None:
        for number in range(rounds):
            for variant in alternating(self.stacks, number):
                say(f"{self.rate:.0f} orders a second: {variant}, round {number + 1} …")
                stack = self.stacks[variant]
                placed = open_loop.place(stack.url("counter"), self.rate, seconds)
                settle(stack, seconds=DUE)
                self.found.setdefault(variant, []).append(placed.read())

    def measures(self) -> Iterator[Measure]:
        for other in self.stacks:
            if other == "ours":
                continue
            for share in PERCENTILES:
                ours, theirs = (
                    figure(each.percentile(share) for each in self.found[variant])
                    for variant in ("ours", other)
                )
                name = f"placed to fulfilled at {self.rate:.0f} a second, p{100 * share:g}"
                yield Measure(name, "ms", ours, theirs, other, TARGETS.get((other, share)))

    def curves(self) -> dict[str, Timed]:
        """All rounds of a side together."""
        return {
            variant: Timed(tuple(sorted(each for timed in found for each in timed.latencies)))
            for variant, found in self.found.items()
        }
