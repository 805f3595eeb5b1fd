"""The parts of the benchmark, each of which can be run alone."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.base.console import Failure, say
from tests.bench import (
    against,
    backlog,
    calls,
    environment,
    growth,
    instead,
    on_spin,
    orders,
    sizes,
    startup,
)
from tests.bench.against import Commit
from tests.bench.baselines import backing_services
from tests.bench.baselines.guests import Guests
from tests.bench.counting import Counting
from tests.bench.fulfilment import Fulfilment
from tests.bench.load import attack
from tests.bench.measures import Measure, at_most, figure
from tests.bench.open_loop import Timed
from tests.bench.placing import COSTED, Placing, stock
from tests.bench.reading import BOARD, CUSTOMER, MENU, ORDER, Reading
from tests.bench.stacks import APART, OFFSET, RUNTIMES, Bench, running, settle, stacks


@dataclass
class Results:
    measures: list[Measure] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    """Percent of the processors that something else used, before and after each part."""
    curves: dict[str, Timed] = field(default_factory=dict)
    growth: list[Measure] = field(default_factory=list)
    against: Commit | None = None
    """What the part `against` puts beside ours."""


def measure_start(found: Results) -> None:
    found.measures += startup.measure()
    found.measures += sizes.measure()


def measure_calls(found: Results) -> None:
    with tempfile.TemporaryDirectory() as home:
        (ours,) = stacks(Path(home), ["ours"])
        with running(ours):
            stock(ours)
            counting = Counting({"ours": ours})
            counting.run()
    found.measures += counting.measures()


def measure_orders(found: Results) -> None:
    variants = ["ours", "peer", *(["spin"] if shutil.which("spin") else [])]
    with tempfile.TemporaryDirectory() as home:
        up = dict(zip(variants, stacks(Path(home), variants), strict=True))
        with running(*up.values()):
            stock(*up.values())
            reading = Reading({variant: up[variant] for variant in ("ours", "peer")})
            reading.run((MENU, ORDER, CUSTOMER, BOARD), rounds=5, seconds=2)
            placing = Placing(up)
            placing.run((1, 64), rounds=3, seconds=4)
            placing.cost(rounds=3, seconds=4)
            fulfilment = _fulfil(up, ("ours", "peer"), placing.peak("ours") / 2)
            found.curves = fulfilment.curves()
            found.measures += placing.measures()
            found.measures += fulfilment.measures()
            if "spin" in up:
                rate = placing.peak("spin") / 2
                found.measures += _fulfil(up, ("ours", "spin"), rate).measures()
            found.measures += reading.measures()
            found.measures += _baselines(up["ours"])


def _fulfil(up: Mapping[str, Bench], variants: tuple[str, ...], rate: float) -> Fulfilment:
    fulfilment = Fulfilment({variant: up[variant] for variant in variants}, rate)
    fulfilment.run(rounds=3, seconds=15)
    return fulfilment


def _baselines(ours: Bench) -> list[Measure]:
    order = calls.typical(calls.placing(ours))
    guests = Guests(ours, order)
    guests.run(rounds=3, seconds=4)
    depth = figure(order.depth)
    name = "sidecar calls that wait for one another, to place an order"
    return [
        *guests.measures(),
        Measure(name, "", depth, target=at_most(4)),
        *backing_services.measure(ours, order, seconds=2),
    ]


def measure_growth(found: Results) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        small = Bench(home / "small", OFFSET, runs_on=RUNTIMES["ours"])
        with running(small):
            growth.fill(small, growth.SMALL)
            growth.restore(home / "large", small)
            large = Bench(home / "large", OFFSET + APART, runs_on=RUNTIMES["ours"])
            with running(large):
                grown = growth.Growth(small, large)
                grown.run(rounds=5, seconds=2)
                grown.fulfil(rounds=3, rate=30, seconds=15)
                found.growth = list(grown.measures())
                found.measures += found.growth


def measure_open(found: Results) -> None:
    found.measures += backlog.measure()


def measure_spin(found: Results) -> None:
    if not shutil.which("spin"):
        say("No spin is on PATH: this part is left out.")
        return
    found.measures += on_spin.measure()


def measure_workflow(found: Results) -> None:
    found.measures += instead.measure()


def measure_against(found: Results) -> None:
    if found.against is None:
        raise Failure("The part `against` needs a commit: AGAINST=…")
    found.measures += against.measure(found.against)


PARTS: dict[str, Callable[[Results], None]] = {
    "start": measure_start,
    "calls": measure_calls,
    "orders": measure_orders,
    "growth": measure_growth,
    "open": measure_open,
    "spin": measure_spin,
    "workflow": measure_workflow,
    "against": measure_against,
}


def run(name: str, found: Results) -> None:
    found.busy.append(environment.busy())
    say(f"== {name}: {found.busy[-1]:.0f} % of the processors were busy before it")
    PARTS[name](found)
    found.busy.append(environment.busy())


def short() -> Results:
    """A few ratios, below 90 s: measured in the same way, in fewer rounds and without resting."""
    found = Results(busy=[environment.busy()])
    with tempfile.TemporaryDirectory() as home:
        ours, peer = stacks(Path(home), ("ours", "peer"))
        up = {"ours": ours, "peer": peer}
        with running(ours, peer):
            for stack in (ours, peer):
                attack(orders.targets(stack.url("counter")), 8, 1)
            settle(ours, peer, seconds=1)
            reading = Reading(up)
            reading.run((MENU, ORDER), rounds=2, seconds=1)
            placing = Placing(up, is_rested=False)
            placing.run((COSTED,), rounds=2, seconds=3)
            guests = Guests(ours, calls.typical(calls.placing(ours)), is_rested=False)
            guests.run(rounds=2, seconds=2, others=False)
    found.busy.append(environment.busy())
    found.measures += [*placing.measures(), *reading.measures(), *guests.measures()]
    return found
