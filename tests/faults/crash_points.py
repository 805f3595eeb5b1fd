"""counter-api ended exactly between two of its calls, by a proxy before its sidecar.

Each point is a call and a fate: lost before it is done, or done and its answer lost; in that moment
counter-api is killed. Then nobody asks again: the order must end by itself, or not exist.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping

from counter.checks import GRACE_PERIOD, REMINDER_TIMEOUT
from tests.faults.audit import PROMISED, CaseResult
from tests.faults.points import Point, ProxiedStack, behind_proxy
from tests.faults.run import Run
from tests.support.proxy import CallFault
from tests.support.waiting import within

BEFORE, AFTER = CallFault.LOST_BEFORE, CallFault.LOST_AFTER
PLACING = (
    "menu",
    "read many index all",
    "save index all",
    "save order",
    "publish barista",
    "publish kitchen",
)
SUBMITTING = (("save order", AFTER), ("publish barista", BEFORE), ("publish kitchen", BEFORE))
"""Where an order is saved, and not all of its stations have heard of it."""
ASKING = (
    ("read heads", AFTER),
    ("claim", BEFORE),
    ("claim", AFTER),
    ("read many order", AFTER),
    ("read many report", AFTER),
    ("read many cancel", AFTER),
    ("publish kitchen", BEFORE),
    ("publish kitchen", AFTER),
    ("read watch", AFTER),
    ("remember", BEFORE),
    ("remember", AFTER),
)
BURYING = (("save order", BEFORE), ("save tombstone", BEFORE), ("save tombstone", AFTER))
SETTLING = (("settle", BEFORE), ("settle", AFTER))
GIVING_UP = (
    ("give up", BEFORE),
    ("give up", AFTER),
    ("cancel kitchen", BEFORE),
    ("cancel kitchen", AFTER),
    *SETTLING,
)
DEADLINE = 5
"""Seconds until an order expires, where it shall be given up."""
SWEEP = 10
"""Seconds from one sweep to the next."""
FIRST_CHECK = 2 * SWEEP
"""Seconds within which a sweep looks at an order."""
SUBMITTED = 25.0
"""Seconds within which a saved order is submitted and made, with no request of anybody."""
HELD = FIRST_CHECK + 5.0
"""Seconds for which a save is held: beyond the first look."""
OPEN = ("PLACED", "IN_PROGRESS")


def case(
    *parts: Callable[[ProxiedStack], Iterator[CaseResult]], **settings: str
) -> Callable[[Run], Iterator[CaseResult]]:
    """A case of the suite, on such a stack."""

    def play(run: Run) -> Iterator[CaseResult]:
        home, offset = run.stack.layout.home / "points", run.stack.ports.offset - 1_000
        with behind_proxy(home, offset, **settings) as shop:
            for part in parts:
                yield from part(shop)

    return play


def placing(shop: ProxiedStack, kinds: tuple[str, ...] = PLACING) -> Iterator[CaseResult]:
    """Ended at each call of placing an order."""
    result = CaseResult(f"counter ended in placing, {len(kinds) * 2} points")
    placed: dict[str, Point] = {}
    before = shop.points.reached
    for kind in kinds:
        for fault in (BEFORE, AFTER):
            order_id, _ = shop.place([(kind, fault)])
            placed[order_id] = (kind, fault)
    _check_reached(shop, result, before, len(placed))
    begin = time.time()
    expected = {order_id: _after(point) for order_id, point in placed.items()}
    within(lambda: _are(shop, expected), PROMISED)
    result.recoveries.append(time.time() - begin)
    for order_id, point in placed.items():
        _count(result, shop.stores.status(order_id), expected[order_id], _said(point))
    yield result


def _after(point: Point) -> str:
    """What becomes of an order whose placing ended there."""
    kind, _ = point
    if kind.startswith("publish") or point == ("save order", AFTER):
        return "FULFILLED"
    # Only what has an index entry is looked at. The key of the others is as good as new.
    return "abandoned" if kind == "save order" or point == ("save index all", AFTER) else ""


def submitted(shop: ProxiedStack) -> Iterator[CaseResult]:
    """Saved, and not submitted: the sweep does that, with no request of anybody."""
    result = CaseResult("saved, and not submitted")
    before = shop.points.reached
    placed = {shop.place([point])[0]: point for point in SUBMITTING}
    _check_reached(shop, result, before, len(placed))
    within(lambda: _are(shop, dict.fromkeys(placed, "FULFILLED")), PROMISED)
    for order_id, seen in shop.stores.views(placed).items():
        point = _said(placed[order_id])
        _count(result, str(seen.status), "FULFILLED", point)
        seconds = (seen.updated_at - seen.order.placed_at).total_seconds()
        result.recoveries.append(seconds)
        if seconds > SUBMITTED:
            result.broken.append(f"G2: after {point} it took {seconds:.0f} s")
    yield result


def sweeping(shop: ProxiedStack) -> Iterator[CaseResult]:
    """Ended at each call of a sweep that asks, buries and settles; each sweep dies at the next."""
    asking = len(ASKING) + len(BURYING)
    result = CaseResult(f"counter ended in the sweep, {asking + len(SETTLING)} points")
    before = shop.points.reached
    shop.stack.stop("kitchen-api")
    buried, _ = shop.place(BURYING)
    made, asked = shop.placed(), shop.placed("kitchen")
    shop.points.steps[asked] = list(ASKING)
    within(lambda: shop.points.reached - before == asking, SWEEP * (asking + 3))
    asked_for = [e.get("orderId") for e in shop.stores.events("kitchen_order_placed")]
    result.notes.append(f"the kitchen was asked {asked_for.count(asked) - 1} times")
    shop.points.steps[made] = list(SETTLING)
    shop.stack.start("kitchen-api")
    begin = time.time()
    expected = {buried: "abandoned", made: "FULFILLED", asked: "FULFILLED"}
    within(lambda: _are(shop, expected) and not shop.stores.unsettled(), PROMISED)
    result.recoveries.append(time.time() - begin)
    _check_reached(shop, result, before, asking + len(SETTLING))
    for order_id, status in expected.items():
        _count(result, shop.stores.status(order_id), status, "the sweep")
    _check_settled(shop, result)
    yield result


def many_at_once(shop: ProxiedStack, orders: int = 250) -> Iterator[CaseResult]:
    """Ended in the middle of a sweep of many: some are settled and some asked by then."""
    result = CaseResult(f"counter ended in a sweep of {orders}")
    before = shop.points.reached
    shop.stack.stop("kitchen-api")
    placed = [shop.placed(station) for station in ("barista", "kitchen") * (orders // 2)]
    # Those that are due longest come first: the last one is in the last part of a sweep.
    shop.points.steps[placed[-1]] = [("publish kitchen", BEFORE), ("publish kitchen", AFTER)]
    within(lambda: shop.points.reached - before == 2, 60)
    _check_reached(shop, result, before, 2)
    shop.stack.start("kitchen-api")
    begin = time.time()
    within(lambda: not shop.stores.unsettled(), PROMISED)
    result.recoveries.append(time.time() - begin)
    for seen in shop.stores.views(placed).values():
        _count(result, str(seen.status), "FULFILLED", "the sweep")
    _check_settled(shop, result)
    yield result


def giving_up(shop: ProxiedStack) -> Iterator[CaseResult]:
    """The kitchen never answers; counter-api ended at each call of giving the order up."""
    result = CaseResult(f"counter ended in giving up, {len(GIVING_UP)} points")
    before = shop.points.reached
    shop.stack.stop("kitchen-api")
    order_id = shop.placed("kitchen")
    shop.points.steps[order_id] = list(GIVING_UP)
    early = DEADLINE + GRACE_PERIOD.total_seconds() + REMINDER_TIMEOUT.total_seconds() - 2
    time.sleep(early)
    if shop.stores.status(order_id) not in OPEN:
        result.broken.append(f"G9: it was given up before {early:.0f} s")
    within(lambda: shop.points.reached - before == len(GIVING_UP), SWEEP * (len(GIVING_UP) + 3))
    _check_reached(shop, result, before, len(GIVING_UP))
    within(lambda: not shop.stores.unsettled(), PROMISED)
    _check_settled(shop, result)
    _count(result, shop.stores.status(order_id), "FAILED", "giving up")
    ended = shop.stores.views([order_id])
    reasons = {o.reason for seen in ended.values() for o in seen.outcomes.values()}
    if reasons != {"The kitchen did not answer in time."}:
        result.broken.append(f"G5: the reasons are {reasons}")
    shop.stack.start("kitchen-api")
    time.sleep(20)  # it answers what it finds: too late
    if shop.stores.views([order_id]) != ended:
        result.broken.append("G3: an order that had ended was changed")
    yield result


def held_saves(shop: ProxiedStack) -> Iterator[CaseResult]:
    """A save that comes after the first look makes no order; one that comes before does."""
    result = CaseResult("a save held back")
    late, attempt = shop.place((), held=HELD)
    early, other = shop.place((), held=4.0)
    for each in (attempt, other):
        if each.status != 503:
            result.broken.append(f"G13: a post was answered {each.status}")
    within(lambda: _are(shop, {late: "abandoned", early: "FULFILLED"}), HELD)
    time.sleep(HELD)
    _count(result, shop.stores.status(late), "abandoned", f"a save that took {HELD:.0f} s")
    _count(result, shop.stores.status(early), "FULFILLED", "a save that took 4 s")
    again, _ = asyncio.run(shop.post(attempt))
    if again != 409:
        result.broken.append(f"G7: the abandoned key is answered {again}")
    yield result


def _are(shop: ProxiedStack, expected: Mapping[str, str]) -> bool:
    return all(shop.stores.status(order_id) == status for order_id, status in expected.items())


def _check_reached(shop: ProxiedStack, result: CaseResult, before: int, points: int) -> None:
    reached = shop.points.reached - before
    if reached != points:
        left = {k: _said(steps[0]) for k, steps in shop.points.steps.items() if steps}
        result.broken.append(f"{reached} of {points} crash points were reached: {left}")


def _check_settled(shop: ProxiedStack, result: CaseResult) -> None:
    if left := shop.stores.unsettled():
        result.broken.append(f"G2: {len(left)} are not settled: {left[:3]}")


def _count(result: CaseResult, status: str, expected: str, point: str) -> None:
    result.acknowledged += status not in ("", "abandoned")
    result.fulfilled += status == "FULFILLED"
    result.failed += status == "FAILED"
    if status != expected:
        told = f"{status or 'nothing'}, not {expected or 'nothing'}"
        result.broken.append(f"G2: after {point}: {told}")


def _said(point: Point) -> str:
    return f"{point[0]}, {point[1].value}"
