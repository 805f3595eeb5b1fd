"""The guest's own cost of placing an order, beside a bare guest that makes the same calls.

All are processes beside a running stack, on the same sidecar: it sends events and sweeps to the
stack's own counter-api, so that what they use is for placing alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scripts.base.console import say
from tests.bench import baselines, orders
from tests.bench.baselines import replay
from tests.bench.calls import Placing, groups
from tests.bench.load import Target, attack
from tests.bench.measures import Measure, at_most, figure
from tests.bench.stacks import DUE, OFFSET, Bench, Single, alternating, api, component, settle

CONNECTIONS = 8
PORT = OFFSET + 5_720
REPLAYED = 1_500
"""Orders whose calls the load tool makes, at most once each."""
NAME = "counter-api's own processor time of placing an order"


@dataclass
class Guests:
    """A value a round, by who placed the orders: `ours`, `bare guest`, `peer`, `load tool`."""

    stack: Bench
    order: Placing
    is_rested: bool = True
    """Whether one's orders are done with before the next one's turn."""
    costs: dict[str, list[float]] = field(default_factory=dict)
    """Processor milliseconds of an order."""
    rates: dict[str, list[float]] = field(default_factory=dict)
    """Orders a second."""

    def run(self, rounds: int, seconds: float, *, others: bool = True) -> None:
        calls = replay.recorded(self.order)
        bare = replay.environment(calls, self.order.answer, self.stack)
        singles = {
            "ours": api("counter", "ours", PORT, self.stack),
            "bare guest": component(baselines.component("bare"), PORT + 1, "/healthz", bare),
        }
        if others:
            singles["peer"] = api("counter", "peer", PORT + 2, self.stack)
        for number in range(rounds):
            for who in alternating(singles, number):
                say(f"Placing alone: {who}, round {number + 1} …")
                self._place(who, singles[who], seconds)
            if others:
                self._replay(replay.targets(self.order, self.stack, REPLAYED), seconds)

    def _place(self, who: str, single: Single, seconds: float) -> None:
        with single:
            targets = orders.targets(f"http://127.0.0.1:{single.port}")
            attack(targets, CONNECTIONS, 1)
            before = single.used()
            result = attack(targets, CONNECTIONS, seconds)
            used = single.used() - before
        self.costs.setdefault(who, []).append(1000 * used / result.answered)
        self.rates.setdefault(who, []).append(result.per_second(201))
        settle(self.stack, seconds=DUE if self.is_rested else 0)

    def _replay(self, targets: list[Target], seconds: float) -> None:
        # As many at once as the guests make: they have several of an order's calls under way.
        calls = len(self.order.calls)
        result = attack(targets, CONNECTIONS * calls // len(groups(self.order.calls)), seconds)
        rate = result.per_second() / calls
        self.rates.setdefault("load tool", []).append(rate)
        settle(self.stack, seconds=DUE)

    def measures(self) -> Iterator[Measure]:
        ours = figure(self.costs["ours"])
        for who, costs in self.costs.items():
            if who != "ours":
                goal = at_most(1.3) if who == "bare guest" else None
                yield Measure(NAME, "ms", ours, figure(costs), who, goal)
        ours = figure(self.rates["ours"])
        for who, rates in self.rates.items():
            if who != "ours":
                name = f"orders placed by one process, {CONNECTIONS} connections"
                yield Measure(name, "1/s", ours, figure(rates), who)
