"""How many orders a stack brings to their end, while connections place as many as are taken."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.base.console import say
from tests.bench import orders
from tests.bench.load import attack
from tests.bench.measures import Measure, Target, figure
from tests.bench.open_loop import Placed
from tests.bench.stacks import DUE, Bench, alternating, settle

SHARE = 0.99
"""Of the orders, at whose end the time is taken: one straggler is not the rate."""


@dataclass
class Ending:
    """What was found, by side and connections: orders fulfilled a second, a value a round."""

    stacks: Mapping[str, Bench]
    found: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def run(self, connections: Sequence[int], rounds: int, seconds: float) -> None:
        for number in range(rounds):
            for wanted in connections:
                for variant in alternating(self.stacks, number):
                    say(f"Fulfilling orders: {variant}, {wanted} connections, round {number + 1} …")
                    rate = _rate(self.stacks[variant], wanted, seconds)
                    self.found.setdefault((variant, wanted), []).append(rate)
                settle(*self.stacks.values(), seconds=DUE)

    def rate(self, variant: str, connections: int) -> float:
        """The median of the rounds."""
        return figure(self.found[variant, connections]).median

    def measures(self, targets: Mapping[str, Target]) -> Iterator[Measure]:
        """`targets`: of the ratios, by the other side."""
        for (other, connections), theirs in self.found.items():
            if other != "ours":
                ours = figure(self.found["ours", connections])
                name = f"orders fulfilled, {connections} connections"
                yield Measure(name, "1/s", ours, figure(theirs), other, targets.get(other))


def _rate(stack: Bench, connections: int, seconds: float) -> float:
    """From the first post until `SHARE` of the orders are fulfilled. What is still open when the
    connections stop is waited for, so that the rate is what the stack can hold."""
    counter, begun = stack.url("counter"), time.time()
    result = attack(orders.targets(counter), connections, seconds, keeps_bodies=True)
    settle(stack, seconds=0)
    placed = Placed(counter, tuple((begun, json.loads(body)["id"]) for body in result.bodies))
    return SHARE * len(result.bodies) / placed.read().percentile(SHARE) * 1000
