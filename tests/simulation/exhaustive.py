"""The worked example, a coffee and a croissant, under every crash and every pair of crashes.

An API can die before and after each call that it makes; what was on its way then arrives or does
not. Each such point is taken once, and each with every later one, under every order in which the
order's four events can be delivered, and with all of them at once. The same for a coffee that staff
start and finish, and that is cancelled before they start it, while they do, after it, or not.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.simulation.shop import CONFIGURATION, Customer, SimulatedShop, all_done, order
from tests.simulation.tape import Tape
from tests.simulation.world import Violation

ORDERED_BARISTA, ORDERED_KITCHEN = "barista_order_placed", "kitchen_order_placed"
ANSWERED_BARISTA, ANSWERED_KITCHEN = "barista_order_updated", "kitchen_order_updated"
A_WHILE = 40
"""Milliseconds: longer than an event's whole way takes."""

DELIVERIES: dict[str, dict[str, int]] = {
    "all at once": {},
    "placed b, updated b, placed k, updated k": {ORDERED_KITCHEN: 2 * A_WHILE},
    "placed b, placed k, updated b, updated k": {ORDERED_KITCHEN: 3, ANSWERED_KITCHEN: A_WHILE},
    "placed b, placed k, updated k, updated b": {ORDERED_KITCHEN: 3, ANSWERED_BARISTA: A_WHILE},
    "placed k, updated k, placed b, updated b": {ORDERED_BARISTA: 2 * A_WHILE},
    "placed k, placed b, updated k, updated b": {ORDERED_BARISTA: 3, ANSWERED_BARISTA: A_WHILE},
    "placed k, placed b, updated b, updated k": {ORDERED_BARISTA: 3, ANSWERED_KITCHEN: A_WHILE},
}
"""Every order of the four events, each answer after what it answers, as delays by topic."""

STAFFED: dict[str, int | None] = {
    "by staff": None,
    "by staff, cancelled before it is started": 300,
    "by staff, cancelled while it is started": 506,
    "by staff, cancelled after it is started": 1_000,
}
"""A coffee that somebody starts after half a second and finishes a second later, and when it is
cancelled, in milliseconds."""

Plan = dict[int, bool]
"""Step at which an API dies, and whether what it had sent still arrives."""


@dataclass
class Outcome:
    steps: int
    lands_mattered: bool
    """Whether anything was on its way when an API died the last time."""
    trace: list[str] | None
    events: list[str]


@dataclass
class Explored:
    schedules: int = 0
    singles: int = 0
    pairs: int = 0

    def __str__(self) -> str:
        return (
            f"The worked example: {self.schedules:,} schedules, of them {self.singles:,} with one "
            f"crash and {self.pairs:,} with two"
        )


def play(delivery: str, plan: Plan, *, tracing: bool = False) -> Outcome:
    """Raises `Violation`, with the delivery and the plan."""
    try:
        return _play(delivery, plan, tracing=tracing)
    except Violation as violation:
        raise Violation(f"{violation} ({delivery}; API dies at {plan})") from None


def _play(delivery: str, plan: Plan, *, tracing: bool) -> Outcome:
    staffed = ("barista",) if delivery in STAFFED else ()
    shop = SimulatedShop(Tape(), CONFIGURATION, 300, staffed=staffed, tracing=tracing)
    shop.world.crash_plan = dict(plan)
    shop.services.delays = DELIVERIES.get(delivery, {})
    customer = Customer(shop, order("ann", (1,), () if staffed else (7,)), "key", 10)
    invariants = shop.invariants

    def cancels() -> None:
        if customer.order is None:
            shop.world.after(200, cancels)
        else:
            customer.cancel()

    with shop:
        customer.post()
        for staff in shop.staff:
            staff.is_hurrying = staff.goes_home = True
            staff.work(["ann"])
        if cancelled_at := STAFFED.get(delivery):
            shop.world.after(cancelled_at, cancels)
        shop.run_until(
            120_000,
            or_until=lambda: customer.status is not None and all_done(invariants)(),
        )
        shop.run_until(shop.world.now + 11_000)  # the next sweep finds nothing to do
        if customer.status != 201:
            raise Violation(f"G6: the POS was answered {customer.status} in the end")
        shop.world.heal()
        shop.run_until(shop.world.now + 2_100)  # what died in that sweep is back
        invariants.all_ended(0)
        invariants.listed(
            list(invariants.acknowledged), shop.listing("/v1/api/fulfillment-orders?")
        )
        for station in staffed:
            still_open = shop.tickets(station, "open")
            invariants.tickets.all_listed(station, still_open, shop.tickets(station, "closed"))
        if shop.world.loop.errors:
            raise Violation("; ".join(shop.world.loop.errors))
    outcome = Outcome(
        shop.world.steps, shop.world.lands_asked > 0, shop.world.trace, shop.services.delivered
    )
    shop.forget()
    return outcome


def explore(
    *,
    say: Callable[[str], None],
    pairs: bool = True,
    deliveries: Iterable[str] = (*DELIVERIES, *STAFFED),
) -> Explored:
    """Play everything, on all cores. Raises `Violation` with the plan that leads to it."""
    explored = Explored()
    with ProcessPoolExecutor() as pool:
        for delivery in deliveries:
            steps = play(delivery, {}).steps
            one = partial(_one_crash_and_more, delivery, pairs=pairs)
            counts = list(pool.map(one, range(1, steps + 1)))
            singles = sum(single for single, _ in counts)
            doubles = sum(double for _, double in counts)
            say(f"{delivery}: {singles:,} single crashes, {doubles:,} pairs")
            explored.schedules += 1 + singles + doubles
            explored.singles += singles
            explored.pairs += doubles
    return explored


def _one_crash_and_more(delivery: str, first: int, *, pairs: bool) -> tuple[int, int]:
    """Everything that begins with an API dying at that step: the schedules with no other crash,
    and those with a second one. A schedule that is the same as the last one is left out."""
    singles = doubles = 0
    for lands in (True, False):
        alone = play(delivery, {first: lands})
        singles += 1
        for second in range(first + 1, alone.steps + 1) if pairs else ():
            for second_lands in (True, False):
                outcome = play(delivery, {first: lands, second: second_lands})
                doubles += 1
                if not outcome.lands_mattered:
                    break
        if not alone.lands_mattered:
            break
    return singles, doubles
