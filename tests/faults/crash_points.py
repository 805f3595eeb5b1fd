"""counter-api ended exactly between two of its calls, by a proxy before its sidecar.

Each point is a call and a fate: lost before it is done, or done and its answer lost; in that moment
counter-api is killed. Then nobody asks again: the order must end by itself, or not exist.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from counter.workflow import derived_id
from scripts.stack import Ports
from scripts.supervise import Stack
from tests.faults.audit import PROMISED, TERMINAL, Books, Verdict
from tests.faults.load import Attempt, post
from tests.faults.proxy import Fate, Proxy, Seen
from tests.faults.run import Run

PLACING = (
    "menu",
    "read many",
    "arm",
    "save index all",
    "save order",
    "publish barista",
    "publish kitchen",
)
WATCHING = ("read order", "publish kitchen", "re-arm")
ABANDONING = ("read order", "save tombstone")
GIVING_UP = ("read order", "change order")
FATES = (Fate.LOST_BEFORE, Fate.LOST_AFTER)
DEADLINE = 45
"""Seconds until an order expires, on the stack of these cases."""
GRACE = 90
"""Seconds beyond that until the watchdog gives it up (counter.order.GRACE)."""
FIRST_WATCH = 10
HELD = 15.0
"""Seconds for which a save is held: longer than the watchdog's first timer, shorter than its
second."""


@dataclass
class Points:
    """What shall happen to which order's calls: the next step of each, once."""

    steps: dict[str, list[tuple[str, Fate]]] = field(default_factory=dict)
    placing: str = ""
    """The order whose calls without an id, of the menu and of index heads, are meant."""
    held: Mapping[str, float] = field(default_factory=dict)
    reached: int = 0

    async def rule(self, call: Seen) -> Fate:
        order_id = self._order(call)
        steps = self.steps.get(order_id)
        if call.kind == "save order" and order_id in self.held:
            await asyncio.sleep(self.held[order_id])
        if not steps or call.kind != steps[0][0]:
            return Fate.PASS
        self.reached += 1
        return steps.pop(0)[1]

    def _order(self, call: Seen) -> str:
        text = call.target + call.body.decode("latin-1")
        known = [each for each in self.steps if each in text]
        # An index segment holds earlier orders too: the entry that is added is its last.
        return max(known, key=text.rfind, default=self.placing)


class Shop:
    """What the cases do to the stack behind the proxy."""

    def __init__(self, stack: Stack, proxy: Proxy) -> None:
        self.stack = stack
        self.books = Books(stack)
        self.points = Points()
        self.counter = f"http://127.0.0.1:{stack.ports.app('counter')}"
        self._secret = stack.secrets["id_secret"].encode()
        proxy.rule = self.points.rule
        proxy.on_loss = lambda: stack.kill("counter-api")

    def place(
        self, steps: list[tuple[str, Fate]], *, kitchen_only: bool = False, held: float = 0
    ) -> tuple[str, Attempt]:
        """Post one order, once counter-api answers at all; `steps` are its crash points."""
        self._await_counter()
        body = {
            "loyaltyMemberId": "ann",
            "baristaItems": [] if kitchen_only else [{"itemType": 1}],
            "kitchenItems": [{"itemType": 7}],
        }
        attempt = Attempt(str(uuid4()), body, time.time())
        order_id = derived_id(self._secret, "", attempt.key)
        self.points.steps[order_id] = steps
        self.points.placing = order_id
        if held:
            self.points.held = {**self.points.held, order_id: held}
        attempt.status, attempt.order_id = asyncio.run(self.post(attempt))
        return order_id, attempt

    async def post(self, attempt: Attempt) -> tuple[int | None, str | None]:
        async with httpx.AsyncClient(base_url=self.counter, timeout=8) as client:
            return await post(client, attempt)

    def status(self, order_id: str) -> str:
        """The order's status, "abandoned", or "" where there is nothing."""
        record = self.books.orders([order_id]).get(order_id)
        if record is None:
            return ""
        return str(record["status"]) if record["kind"] == "order" else "abandoned"

    def _await_counter(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                if httpx.get(f"{self.counter}/healthz/counter", timeout=1).status_code == 204:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("counter-api does not come back")
            time.sleep(0.05)


def all_points(run: Run) -> Iterator[Verdict]:
    """Every point, on a stack of its own whose counter-api speaks to its sidecar by the proxy."""
    with behind_proxy(run.stack.layout.home / "points", run.stack.ports.offset - 1_000) as shop:
        yield from placing(shop)
        yield from held_saves(shop)
        yield from abandoning(shop)
        yield from watching(shop)
        yield from giving_up(shop)


@contextmanager
def behind_proxy(home: Path, offset: int) -> Iterator[Shop]:
    ports = Ports(offset)
    port = ports.sidecar("counter") + 90  # used by no process of a stack
    overrides = {
        "counter-api": {
            "sidecar_port": str(port),
            "order_deadline_seconds": str(DEADLINE),
        }
    }
    stack = Stack(home, offset, overrides)
    with Proxy(port, ports.sidecar("counter")) as proxy, stack:
        stack.up()
        yield Shop(stack, proxy)


def placing(shop: Shop, kinds: tuple[str, ...] = PLACING) -> Iterator[Verdict]:
    """Ended at each call of placing an order."""
    verdict = Verdict(f"counter ended in placing, {len(kinds) * 2} points")
    placed: dict[str, tuple[str, Fate]] = {}
    before = shop.points.reached
    for kind in kinds:
        for fate in FATES:
            order_id, _ = shop.place([(kind, fate)])
            placed[order_id] = (kind, fate)
    _await(shop, verdict, placed, before)
    for order_id, (kind, fate) in placed.items():
        is_saved = kind.startswith("publish") or (kind == "save order" and fate is Fate.LOST_AFTER)
        expected = ("FULFILLED",) if is_saved else ("", "abandoned")
        _count(verdict, shop.status(order_id), expected, f"{kind}, {fate.value}")
    yield verdict


def watching(shop: Shop) -> Iterator[Verdict]:
    """Ended at each call of the watchdog that submits an open order again."""
    verdict = Verdict(f"counter ended in the watchdog, {len(WATCHING) * 2} points")
    before = shop.points.reached
    shop.stack.stop("kitchen-api")
    placed: dict[str, tuple[str, Fate]] = {}
    for kind in WATCHING:
        for fate in FATES:
            order_id, attempt = shop.place([], kitchen_only=True)
            assert attempt.status == 201, attempt
            shop.points.steps[order_id] = [(kind, fate)]
            placed[order_id] = (kind, fate)
            # Apart, or each death would take the other watchdogs along, which come 10 s later.
            time.sleep(1.5)
    _until(lambda: shop.points.reached - before == len(placed), 30)
    shop.stack.start("kitchen-api")
    _await(shop, verdict, placed, before)
    for order_id, (kind, fate) in placed.items():
        _count(verdict, shop.status(order_id), ("FULFILLED",), f"{kind}, {fate.value}")
    yield verdict


def abandoning(shop: Shop) -> Iterator[Verdict]:
    """Ended before the save, and again at each call of the watchdog that finds nothing."""
    verdict = Verdict(f"counter ended in abandoning, {len(ABANDONING) * 2} points")
    before = shop.points.reached
    placed: dict[str, tuple[str, Fate]] = {}
    for kind in ABANDONING:
        for fate in FATES:
            order_id, _ = shop.place([("save order", Fate.LOST_BEFORE), (kind, fate)])
            placed[order_id] = (kind, fate)
    _until(lambda: all(shop.status(order_id) for order_id in placed), PROMISED)
    _await(shop, verdict, placed, before, steps=2)
    for order_id, (kind, fate) in placed.items():
        _count(verdict, shop.status(order_id), ("abandoned",), f"{kind}, {fate.value}")
    yield verdict


def giving_up(shop: Shop) -> Iterator[Verdict]:
    """The kitchen never answers; counter-api ended at each call of giving the order up."""
    verdict = Verdict(f"counter ended in giving up, {len(GIVING_UP) * 2} points")
    before = shop.points.reached
    shop.stack.stop("kitchen-api")
    placed: dict[str, tuple[str, Fate]] = {}
    for kind in GIVING_UP:
        for fate in FATES:
            order_id, attempt = shop.place([], kitchen_only=True)
            assert attempt.status == 201, attempt
            placed[order_id] = (kind, fate)
    time.sleep(DEADLINE + GRACE + 1)
    shop.points.steps.update({order_id: [point] for order_id, point in placed.items()})
    _until(lambda: shop.points.reached - before == len(placed), 60)
    _await(shop, verdict, placed, before)
    shop.stack.start("kitchen-api")
    for order_id, (kind, fate) in placed.items():
        _count(verdict, shop.status(order_id), ("FAILED",), f"{kind}, {fate.value}")
    ended = shop.books.orders(placed)
    reasons = {item["reason"] for order in ended.values() for item in order["items"]}
    if reasons != {"The kitchen did not answer in time."}:
        verdict.broken.append(f"G5: the reasons are {reasons}")
    time.sleep(20)  # the kitchen is back, and answers what it finds: too late
    if shop.books.orders(placed) != ended:
        verdict.broken.append("G3: an order that had ended was changed")
    yield verdict


def held_saves(shop: Shop) -> Iterator[Verdict]:
    """A save that comes after the watchdog fired makes no order; one that comes before does."""
    verdict = Verdict("a save held back")
    late, attempt = shop.place([], held=HELD)
    if attempt.status != 503:
        verdict.broken.append(f"G13: the post was answered {attempt.status}")
    early, _ = shop.place([], held=4.0)
    time.sleep(HELD + FIRST_WATCH + 5)
    _count(verdict, shop.status(late), ("abandoned",), "held beyond the watchdog")
    _count(verdict, shop.status(early), ("FULFILLED",), "held for 4 s")
    again, _ = asyncio.run(shop.post(attempt))
    if again != 409:
        verdict.broken.append(f"G7: the abandoned key is answered {again}")
    yield verdict


def _await(
    shop: Shop, verdict: Verdict, placed: Mapping[str, object], before: int, steps: int = 1
) -> None:
    """Until no order is open, at most as long as was promised."""
    reached = shop.points.reached - before
    if reached != len(placed) * steps:
        verdict.broken.append(f"{reached} of {len(placed) * steps} crash points were reached")
    begin = time.time()
    # A timer that was armed before the save fires after this; until then nothing is decided.
    time.sleep(FIRST_WATCH)
    _until(lambda: not [o for o in placed if shop.status(o) in ("PLACED", "IN_PROGRESS")], PROMISED)
    verdict.recoveries.append(time.time() - begin)


def _count(verdict: Verdict, status: str, expected: tuple[str, ...], point: str) -> None:
    verdict.acknowledged += status in ("PLACED", "IN_PROGRESS", *TERMINAL)
    verdict.fulfilled += status == "FULFILLED"
    verdict.failed += status == "FAILED"
    if status not in expected:
        verdict.broken.append(f"G2: after {point}: {status or 'nothing'}, not {expected[-1]}")


def _until(holds: object, seconds: float) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.2)
