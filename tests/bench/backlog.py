"""What orders cost that stay open, because a station is away; and a sweep that has nothing to do.

The kitchen of both stacks is away. One has thousands of orders for it, which stay open, the other
has settled ones alone. What is placed when they are compared is for the barista. The sweeps are
the sidecar's, as they come.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.base.console import say
from tests.bench import open_loop, orders
from tests.bench.load import Result, Target, attack
from tests.bench.measures import Measure, at_most, figure
from tests.bench.orders import COFFEE, CROISSANT, Items
from tests.bench.stacks import APART, OFFSET, RUNTIMES, Bench, Used, alternating, running

FEW, MANY = 2_000, 10_000
AWAY = ("kitchen-sidecar", "kitchen-api")
SETTINGS = {"counter-api": {"order_deadline_seconds": "3600"}}
"""No order is given up while this lasts."""
FEW_A_SECOND = 60
"""So that the questions about the few are spread over several sweeps."""
STEADY = 45
"""Seconds after which an open order is asked about once a minute."""
ROUNDS, SECONDS = 3, 10
"""A window of 10 s has one sweep in it."""
MINUTE = 60


@dataclass
class Backlog:
    """`crowded` has the open orders, `idle` has none; both are up."""

    crowded: Bench
    idle: Bench
    placed: dict[tuple[int, int], list[Result]] = field(default_factory=dict)
    """Results by the number of open orders, of both stacks in this order, a value a round."""
    swept: float = 0.0
    """Processor seconds of the sweeps of a minute."""
    sweep: tuple[float, float] = (0.0, 0.0)
    """Of a sweep with nothing to do: milliseconds until it is answered, and of processor time."""

    def run(self) -> None:
        for stack in (self.crowded, self.idle):
            for name in AWAY:
                stack.stop(name)
        _fill(self.idle, COFFEE, FEW)
        say(f"Placing {FEW:,} orders that stay open …")
        seconds = FEW / FEW_A_SECOND
        open_loop.place(self.crowded.url("counter"), FEW_A_SECOND, seconds, CROISSANT)
        self._place(FEW)
        _fill(self.crowded, CROISSANT, MANY - FEW)
        time.sleep(STEADY)
        idle = self._sweeps()
        self._sweep(idle)
        self._place(MANY)

    def _place(self, opened: int) -> None:
        stacks = (self.crowded, self.idle)
        for number in range(ROUNDS):
            say(f"Placing beside {opened:,} open orders, round {number + 1} …")
            for variant in alternating((0, 1), number):
                targets = orders.targets(stacks[variant].url("counter"), COFFEE)
                result = attack(targets, 1, SECONDS)
                self.placed.setdefault((opened, variant), []).append(result)

    def _sweeps(self) -> dict[str, float]:
        """Sets `swept`. Returns what each process uses a second where no order is open."""
        say(f"The sweeps of a minute, with {MANY:,} open orders …")
        crowded, idle = Used(self.crowded), Used(self.idle)
        time.sleep(MINUTE)
        unused = {name: used / MINUTE for name, used in idle.beyond({}).items()}
        self.swept = sum(crowded.beyond(unused).values())
        return unused

    def _sweep(self, unused: dict[str, float]) -> None:
        say("A sweep with nothing to do …")
        token = {"dapr-api-token": self.idle.secrets["app_token"]}
        target = Target("POST", f"{self.idle.url('counter')}/job/sweep", headers=token)
        used = Used(self.idle)
        result = attack([target], 1, 3)
        processor = sum(used.beyond(unused).values())
        self.sweep = result.p50, 1000 * processor / result.answered

    def measures(self) -> Iterator[Measure]:
        for opened in (FEW, MANY):
            open_, none = (self.placed[opened, variant] for variant in (0, 1))
            for what, value in (("p50", _p50), ("mean", _mean)):
                name = f"placing an order beside {opened:,} open orders, {what}"
                crowded, idle = figure(map(value, open_)), figure(map(value, none))
                yield Measure(name, "ms", crowded, idle, "beside none", at_most(1.1))
        name = f"processor time of all sweeps of a minute, {MANY:,} open orders"
        yield Measure(name, "s", figure(self.swept), target=at_most(20))
        for name, found in zip(("answered after", "processor time"), self.sweep, strict=True):
            what = f"a sweep where all is settled, {name}"
            yield Measure(what, "ms", figure(found), target=at_most(5))


def measure() -> Iterator[Measure]:
    with tempfile.TemporaryDirectory() as folder:
        crowded, idle = (
            Bench(Path(folder) / name, OFFSET + number * APART, SETTINGS, runs_on=RUNTIMES["ours"])
            for number, name in enumerate(("crowded", "idle"))
        )
        with running(crowded, idle):
            backlog = Backlog(crowded, idle)
            backlog.run()
    yield from backlog.measures()


def _fill(stack: Bench, items: Items, count: int) -> None:
    """Place at least this many orders."""
    targets, placed = orders.targets(stack.url("counter"), items), 0
    while placed < count:
        say(f"Placing {count - placed:,} orders …")
        placed += attack(targets, 8, min(5.0, max(0.2, (count - placed) / 300))).answered


def _p50(result: Result) -> float:
    return result.p50


def _mean(result: Result) -> float:
    """With the sweep that came meanwhile."""
    return 1000 * result.seconds / result.answered
