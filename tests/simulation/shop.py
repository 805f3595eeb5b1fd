"""The shop in the simulated world: the four APIs as they are, customers, and what goes wrong."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from coffeeshop import index
from coffeeshop.environment import Environment
from coffeeshop.http import Response
from coffeeshop.settings import AT_ONCE, BY_STAFF, Settings
from counter import sweep_state
from scripts.describe import guests
from station import board
from tests.dapr.configuration import Configuration, read_configuration
from tests.dapr.services import BackingServices
from tests.dapr.sidecar import APP_TOKEN, Sidecar
from tests.simulation.invariants import Invariants
from tests.simulation.staff import Staff
from tests.simulation.tape import Tape
from tests.simulation.wall import Wall
from tests.simulation.world import FAULTS, App, Handler, Violation, World

RESOURCES = Path(__file__).parents[2] / "k8s" / "base" / "dapr"
PROMISED = 90_000
"""Milliseconds after the last fault within which every order has ended (G2)."""
SETTLED = 80_000
"""Milliseconds after its end within which an order is settled: a look and two sweeps."""
CLIENT_PATIENCE = 5_000

Json = dict[str, Any]
APIS = ("product-api", "counter-api", "barista-api", "kitchen-api")
ORDERS = "/v1/api/orders"
JSON_HEADERS = (("content-type", "application/json"),)


class _Log:
    """Standard error of the APIs: their log lines go to the invariants, without being written."""

    def __init__(self) -> None:
        self.invariants: Invariants | None = None
        self.world: World | None = None

    def write(self, text: str) -> int:
        if self.invariants is not None and text.startswith("{"):
            line = json.loads(text)
            self.invariants.logged(line)
            if self.world is not None and self.world.trace is not None:
                rest = {k: v for k, v in line.items() if k not in ("time", "level", "api", "event")}
                self.world.note(line["api"], f"logs {line['event']} {rest}")
        return len(text)

    def flush(self) -> None:
        return


class SimulatedShop:
    """One run's world. As a context it takes the APIs' log lines from standard error."""

    def __init__(
        self,
        tape: Tape,
        configuration: Configuration,
        deadline: int,
        *,
        staffed: tuple[str, ...] = (),
        tracing: bool = False,
    ) -> None:
        """`staffed`: the stations where people make."""
        self._staffed = staffed
        self.world = World(tape, tracing=tracing)
        self.tape = tape
        self.services = BackingServices(self.world, configuration)
        self.invariants = Invariants(self.world, self.services)
        self._settings = Settings(
            app_token=APP_TOKEN, id_secret="secret", order_deadline_seconds=str(deadline)
        )
        self.apps = {name: App(self.world, name, self._build(name)) for name in APIS}
        self.sidecars = {name: Sidecar(self.services, app) for name, app in self.apps.items()}
        self.sidecars["counter-api"].sweep_regularly()
        self.staff = [Staff(self, station) for station in staffed]
        self._log = _Log()
        self._stderr: Any = None

    def __enter__(self) -> "SimulatedShop":
        self._stderr, sys.stderr = sys.stderr, self._log
        self._log.invariants, self._log.world = self.invariants, self.world
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr = self._stderr

    def forget(self) -> None:
        """Break the cycles of this world, so that it goes without a collection of garbage."""
        for part in (self.world, self.services, *self.apps.values(), *self.sidecars.values()):
            vars(part).clear()

    def _build(self, name: str) -> Callable[[App], Handler]:
        short = name.removesuffix("-api")
        making = BY_STAFF if short in self._staffed else AT_ONCE

        def build(app: App) -> Handler:
            env = Environment(
                settings=replace(self._settings, station=short, making=making),
                transport=app,
                clock=app.clock,
                entropy=self.world.entropy,
                sleep=self.world.sleep,
            )
            return guests.api(short).build(env)

        return build

    def run_until(self, moment: int, *, or_until: Callable[[], bool] = lambda: False) -> None:
        """Let things happen. Raises `Violation`."""
        world = self.world
        world.loop.run_ready()
        while not or_until() and world.step(moment):
            if world.loop.errors:
                raise Violation("; ".join(world.loop.errors))

    def ask(self, api: str, method: str, target: str) -> Json:
        """A question while everything is well; its answer must be 200."""
        answers: list[Response | None] = []
        self.apps[api].ask(method, target, JSON_HEADERS, b"", answers.append)
        self.run_until(self.world.now + 60_000, or_until=lambda: bool(answers))
        if not answers or answers[0] is None or answers[0].status != 200:
            raise Violation(f"G14: {target} has no answer while everything is well: {answers}")
        found: Json = json.loads(answers[0].body)
        return found

    def tickets(self, station: str, state: str) -> list[str]:
        """All pages of a station's tickets: the orders' ids."""
        found: list[str] = []
        cursor = ""
        while True:
            target = f"/v1/api/{station}/tickets?state={state}&limit=2{cursor}"
            page = self.ask(f"{station}-api", "GET", target)
            found += [ticket["orderId"] for ticket in page["tickets"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    def listing(self, target: str) -> list[str]:
        """All pages of a list: the ids."""
        found: list[str] = []
        cursor = ""
        while True:
            page = self.ask("counter-api", "GET", f"{target}limit=2{cursor}")
            found += [order["id"] for order in page["orders"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


class Customer:
    """Somebody who posts one order, and posts it again while the answer is not final."""

    def __init__(self, shop: SimulatedShop, body: Json, key: str | None, attempts: int) -> None:
        self._shop = shop
        self.body = body
        self.key = key
        self._attempts = attempts
        self.status: int | None = None
        self.order: str | None = None

    @property
    def is_waiting(self) -> bool:
        return self.status is None and self._attempts > 0

    def post(self) -> None:
        shop, self._attempts = self._shop, self._attempts - 1
        headers = (*JSON_HEADERS, *((("idempotency-key", self.key),) if self.key else ()))
        shop.world.note("POS", f"posts {self.key} of {self.body['loyaltyMemberId']}")
        is_answered = False

        def answered(response: Response | None) -> None:
            nonlocal is_answered
            if is_answered:
                return
            is_answered = True
            if response is not None:
                document = json.loads(response.body)
                shop.world.note("POS", f"is told {response.status} about {self.key}")
                at = any(name == "location" for name, _ in response.headers)
                shop.invariants.told(self.key, self.body, response.status, document, at=at)
                for name, value in response.headers:
                    if name == "location":  # also of an order that may exist
                        self.order = value.rpartition("/")[2]
            if response is not None and response.status in (201, 409, 422):
                self.status = response.status
            elif self.key is None:
                self._attempts = 0
            elif self._attempts:
                shop.world.after(2_000, self.post)

        body = json.dumps(self.body).encode()
        shop.apps["counter-api"].ask("POST", ORDERS, headers, body, answered)
        shop.world.after(CLIENT_PATIENCE, lambda: answered(None))

    def cancel(self) -> None:
        """Cancel the order, once it is known, and again while that is not confirmed."""
        shop, order = self._shop, self.order
        if order is None:
            return

        def answered(response: Response | None) -> None:
            if response is not None:
                shop.world.note("POS", f"is told {response.status} about cancelling {order}")
                shop.invariants.told_about_cancelling(order, response.status)
            if response is None or response.status == 503:
                shop.world.after(2_000, self.cancel)

        shop.world.note("POS", f"cancels {order}")
        shop.apps["counter-api"].ask("POST", f"{ORDERS}/{order}/cancel", (), b"", answered)

    def post_once_more(self) -> None:
        self._attempts = 1
        self.post()


class Reader:
    """Somebody who asks while things go wrong: no answer may be wrong, but 503 may come."""

    def __init__(self, shop: SimulatedShop) -> None:
        self._shop = shop

    def list_orders(self) -> None:
        """Page by page, all of them: each order acknowledged before is there, once (G10)."""
        self._page("", sorted(self._shop.invariants.acknowledged), [])

    def _page(self, cursor: str, due: list[str], found: list[str]) -> None:
        def answered(response: Response | None) -> None:
            if response is None or response.status != 200:
                return
            page = json.loads(response.body)
            for order in page["orders"]:
                self._shop.invariants.seen(order)
            listed = [*found, *(order["id"] for order in page["orders"])]
            if page["next"] is not None:
                self._page(f"&cursor={page['next']}", due, listed)
            else:
                self._shop.invariants.listed(due, listed)

        target = f"/v1/api/fulfillment-orders?limit=2{cursor}"
        self._shop.apps["counter-api"].ask("GET", target, (), b"", answered)

    def get_orders(self) -> None:
        """Each acknowledged order by its id."""
        for order in self._shop.invariants.acknowledged:
            target = f"{ORDERS}/{order}?wait=1"
            self._shop.apps["counter-api"].ask("GET", target, (), b"", self._shown(order))

    def _shown(self, order: str) -> Callable[[Response | None], None]:
        def answered(response: Response | None) -> None:
            if response is not None and response.status == 200:
                self._shop.invariants.seen(json.loads(response.body))
            elif response is not None and response.status == 404:
                self._shop.invariants.missed(order)

        return answered


def order(
    customer: str, barista: tuple[int, ...], kitchen: tuple[int, ...], number: int = 0
) -> Json:
    """A request; `location` has a number of its own for each that says something else."""
    return {
        "location": number,
        "loyaltyMemberId": customer,
        "baristaItems": [{"itemType": item} for item in barista],
        "kitchenItems": [{"itemType": item} for item in kitchen],
    }


Basket = tuple[tuple[int, ...], tuple[int, ...]]
BASKETS: tuple[Basket, ...] = (((1,), (7,)), ((1,), ()), ((), (7,)), ((0, 1), (6, 7, 8)))
STORES = ("counter-store", "barista-store", "kitchen-store")
REPLAY = "broker delivers everything again"
OUTAGES = (
    *(f"{api} is away" for api in APIS),
    *(f"{api}'s sidecar is away" for api in APIS),
    "valkey is away",
    *(f"{store} fails" for store in STORES),
    REPLAY,
)
"""What goes wrong at a moment that is drawn, for a time that is drawn."""
AHEAD = tuple(timedelta(seconds=seconds) for seconds in (0, 600, -600, 7, -7, -3 * 86_400))
"""How far a station's clock is ahead of the counter's, which is the world's."""
RATES = (0.0, 0.0, 0.01, 0.04, 0.15)
RARE = ("bulk publish stops half way", "dead letter is lost")
"""Faults of calls that few runs make: their rates are five times as high."""


@contextmanager
def _small(small: bool) -> Iterator[None]:
    """Sizes that a few orders do not reach, made so small that they do."""
    sizes = (
        index.SEGMENT_SIZE,
        index.HEAD_OVERLAP,
        sweep_state.BATCH_SIZE,
        sweep_state.MAX_CHECKS,
        sweep_state.LEASE_MS,
    )
    of_board = (board.WORTH, board.LINGER, board.BATCH_SIZE)
    if small:
        # Without a claim, sweeps at the same moment all do the work.
        index.SEGMENT_SIZE, index.HEAD_OVERLAP, sweep_state.BATCH_SIZE, sweep_state.MAX_CHECKS = (
            3,
            1,
            1,
            6,
        )
        sweep_state.LEASE_MS = 0
        board.WORTH, board.LINGER, board.BATCH_SIZE = 1, timedelta(seconds=2), 1
    try:
        yield
    finally:
        (
            index.SEGMENT_SIZE,
            index.HEAD_OVERLAP,
            sweep_state.BATCH_SIZE,
            sweep_state.MAX_CHECKS,
            sweep_state.LEASE_MS,
        ) = sizes
        board.WORTH, board.LINGER, board.BATCH_SIZE = of_board


class Run:
    """One schedule: everything about it is drawn from the tape."""

    def __init__(self, tape: Tape, *, tracing: bool = False) -> None:
        self._tape = tape
        deadline = (300, 300, 20)[tape.draw(3)]
        kind = tape.draw(3)
        staffed: tuple[str, ...] = ()
        if kind == 1:
            staffed = (("barista",), ("barista", "kitchen"))[tape.draw(2)]
        self.shop = SimulatedShop(tape, CONFIGURATION, deadline, staffed=staffed, tracing=tracing)
        for staff in self.shop.staff:
            staff.work()
            if tape.draw(6) == 1:
                at = (700, 3_000, 30_000, 200_000)[tape.draw(4)]
                self.shop.world.after(at, staff.close_day)
        if kind == 2:
            for api in ("barista-api", "kitchen-api"):
                self.shop.apps[api].ahead = AHEAD[tape.draw(len(AHEAD))]
        self.world = self.shop.world
        self.customers: list[Customer] = []
        self._healed_at = 0

    def play(self) -> None:
        """Raises `Violation`."""
        with self.shop, _small(self._tape.draw(2) == 1):
            self._draw_customers()
            self._draw_faults()
            self.shop.run_until(self._healed_at)
            self._heal()
            self._all_answered()
            self._all_ended()
            self._all_listed()
            Wall(self.shop).look_at_last()

    def _draw_customers(self) -> None:
        tape, world = self._tape, self.world
        world.one_shard = tape.draw(4) == 1
        for number in range(1 + tape.draw(3)):
            basket = BASKETS[tape.draw(len(BASKETS))]
            body = order(("ann", "bob")[tape.draw(2)], *basket, number=number)
            key = None if tape.draw(4) == 1 else f"key-{number}"
            customer = Customer(self.shop, body, key, 1 + tape.draw(4))
            at = number * (0, 3, 2_000, 65_000)[tape.draw(4)]
            world.after(at, customer.post)
            self.customers.append(customer)
            if tape.draw(4) == 1:
                soon = (1, 40, 3_000, 12_000, 60_000)[tape.draw(5)]
                world.after(at + soon, self._changes_her_mind(customer))
            how = tape.draw(9)
            if key and how == 1:  # the same request at the same time
                twin = Customer(self.shop, body, key, 1)
                world.after(at + tape.draw(5), twin.post)
                self.customers.append(twin)
            elif key and how == 2:  # the key once more, for something else
                other = order("bob", *BASKETS[tape.draw(len(BASKETS))], number=50 + number)
                thief = Customer(self.shop, other, key, 1)
                world.after(at + (0, 3, 400, 30_000)[tape.draw(4)], thief.post)
                self.customers.append(thief)
            elif key and how == 3:  # a POS that repeats the request for ever
                world.after(at + 3_000, self._pester(Customer(self.shop, body, key, 1)))
        if tape.draw(4) == 1:
            self._sell_out(("barista", 1) if tape.draw(2) else ("kitchen", 7))
        if tape.draw(3) == 1:
            reader = Reader(self.shop)
            for _ in range(1 + tape.draw(3)):
                ask = (reader.list_orders, reader.get_orders)[tape.draw(2)]
                world.after((20, 60, 1_000, 9_000, 30_000)[tape.draw(5)], ask)
        if tape.draw(2) == 1:
            wall = Wall(self.shop)
            for _ in range(1 + tape.draw(4)):
                look = partial(wall.look, collects=tape.draw(2) == 1)
                world.after((20, 1_000, 9_000, 30_000, 70_000)[tape.draw(5)], look)

    def _changes_her_mind(self, customer: Customer) -> Callable[[], None]:
        def cancels() -> None:
            if customer.order is not None:
                customer.cancel()
            elif self.world.now < self._healed_at:
                self.world.after(500, cancels)

        return cancels

    def _pester(self, customer: Customer) -> Callable[[], None]:
        def again() -> None:
            customer.post_once_more()
            if self._healed_at <= 40_000 and self.world.now < self._healed_at + PROMISED + 10_000:
                self.world.after((4_000, 7_000)[self.world.now % 2], again)

        return again

    def _sell_out(self, what: tuple[str, int]) -> None:
        place, item = what
        target = f"/v1/api/{place}/unavailable/{item}"

        def listed() -> None:
            self.shop.invariants.sold_out.add(item)
            self.shop.apps[f"{place}-api"].ask("PUT", target, (), b"", lambda _: None)

        def unlisted() -> None:
            self.shop.apps[f"{place}-api"].ask("DELETE", target, (), b"", lambda _: None)

        at = self._tape.draw(40)
        self.world.after(at, listed)
        if self._tape.draw(2):
            self.world.after(at + (1, 20, 5_000)[self._tape.draw(3)], unlisted)

    def _draw_faults(self) -> None:
        tape, world = self._tape, self.world
        for fault in FAULTS:
            often = 5 if fault in RARE else 1
            world.rates[fault] = often * RATES[tape.draw(len(RATES))]
        self._healed_at = (5_000, 15_000, 40_000, 120_000, 500_000)[tape.draw(5)]
        world.healed_at = self._healed_at
        for _ in range(tape.draw(4)):
            at = tape.draw(10) ** 4 * self._healed_at // 10_000
            downtime = (200, 2_000, 12_000, 45_000, 150_000, 480_000)[tape.draw(6)]
            world.after(at, self._outage(OUTAGES[tape.draw(len(OUTAGES))], downtime))

    def _outage(self, what: str, downtime: int) -> Callable[[], None]:
        services, world = self.shop.services, self.world

        def begins() -> None:
            left = max(1, min(downtime, self._healed_at - world.now))
            world.fired[what] += 1
            api = what.partition("'")[0].partition(" ")[0]
            if what == REPLAY:
                services.replay()
            elif api in STORES:
                services.store_outage(api, left)
            elif api == "valkey":
                services.outage(left)
            elif "sidecar" in what:
                self.shop.sidecars[api].crash(left)
            else:
                self.shop.apps[api].crash(left)

        return begins

    def _heal(self) -> None:
        self.world.heal()
        self.world.note("world", "no more faults")
        for staff in self.shop.staff:
            staff.is_hurrying = True
        # What is down at this moment is back a little later.
        self.shop.run_until(self.world.now + 2_100)
        self._healed_at = self.world.now

    def _all_answered(self) -> None:
        """Who still has no answer asks again, and gets one (G6)."""
        self.shop.run_until(
            self.world.now + 10_000,
            or_until=lambda: not any(customer.is_waiting for customer in self.customers),
        )
        asking = [c for c in self.customers if c.status is None and c.key]
        for customer in asking:
            customer.post_once_more()
        self.shop.run_until(
            self.world.now + CLIENT_PATIENCE + 1,
            or_until=lambda: all(customer.status for customer in asking),
        )
        for customer in asking:
            if customer.status is None:
                raise Violation(f"G6: the key {customer.key} has no answer though all is well")

    def _all_ended(self) -> None:
        self._await_ends()
        # What is still on its way must change nothing: late calls, doubled events, sweeps.
        self.shop.run_until(self.world.now + (12_000, 30_000, 100_000)[self._tape.draw(3)])
        # A save that came as late as that has begun an order, which has its own time.
        self._await_ends()
        self.shop.invariants.all_ended(self._healed_at)
        if self.world.loop.errors:
            raise Violation("; ".join(self.world.loop.errors))

    def _await_ends(self) -> None:
        invariants = self.shop.invariants
        ends_by = max(self._healed_at, *invariants.saved_at.values(), 0) + PROMISED
        self.shop.run_until(ends_by, or_until=lambda: not invariants.open_orders())
        for order in invariants.open_orders():
            self.world.violated(2, f"{order} has not ended: {invariants.state(order)}")
        settled_by = self.world.now + SETTLED
        self.shop.run_until(settled_by, or_until=all_done(invariants))

    def _all_listed(self) -> None:
        for staff in self.shop.staff:
            still_open = self.shop.tickets(staff.station, "open")
            closed = self.shop.tickets(staff.station, "closed")
            self.shop.invariants.tickets.all_listed(staff.station, still_open, closed)
        acknowledged = self.shop.invariants.acknowledged
        found = self.shop.listing("/v1/api/fulfillment-orders?")
        self.shop.invariants.listed(list(acknowledged), found)
        for customer in sorted({order["loyaltyMemberId"] for order in acknowledged.values()}):
            own = [id for id, o in acknowledged.items() if o["loyaltyMemberId"] == customer]
            found = self.shop.listing(f"{ORDERS}?loyaltyMemberId={customer}&")
            self.shop.invariants.listed(own, found)
        if self.world.loop.errors:
            raise Violation("; ".join(self.world.loop.errors))


def all_done(invariants: Invariants) -> Callable[[], bool]:
    """Whether every order is settled, and the sweep has done with each."""
    return lambda: not invariants.unsettled() and not invariants.watched


CONFIGURATION = read_configuration(RESOURCES)
