"""Whether an order is too late: the counter's clock alone says so, at the station too (W5).

To a station an event that waited and a clock that differs look the same. So where its own clock
cannot tell, it asks for the counter's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from coffeeshop.clocks import TOLERANCE, clock_of
from coffeeshop.contracts import StationOrdered
from coffeeshop.events import Delivered
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.topics import COUNTER
from coffeeshop.transport import ServiceUnavailable

FRESH = timedelta(minutes=1)
"""For an event that seems to be older than this the counter's clock is asked: it may have waited
longer."""


def seconds_left(order: StationOrdered, sent_at: datetime | None, now: datetime) -> float:
    """For how long the order is still wanted: below 0 it is too late. `now` and `sent_at` are the
    counter's times. An event of an earlier release has the moment alone."""
    if order.secondsLeft is None or sent_at is None:
        return (order.expiresAt - now).total_seconds()
    return order.secondsLeft - max(0, (now - sent_at).total_seconds())


def is_doubtful(order: StationOrdered, sent_at: datetime | None, now: datetime) -> bool:
    """Whether another clock than the counter's, which says `now`, cannot tell: by it the order is
    too late, though it was not when it was sent, or was sent in the future."""
    if order.secondsLeft is not None and order.secondsLeft <= 0:
        return False
    is_ahead = sent_at is not None and sent_at - now > TOLERANCE
    return is_ahead or seconds_left(order, sent_at, now) < 0


def is_old(sent_at: datetime | None, now: datetime) -> bool:
    """Whether an event waited, as far as another clock than its sender's can tell."""
    return sent_at is not None and now - sent_at > FRESH


async def too_late(
    sidecar: Sidecar, orders: Mapping[str, Delivered[StationOrdered]], now: datetime, log: Log
) -> dict[str, bool]:
    """Of each order, whether it is too late (W5). Where our clock, which says `now`, cannot tell,
    the counter's is asked; if that gives no answer, such orders are left out, for the next reminder
    (W8)."""
    doubtful = {key for key, e in orders.items() if is_doubtful(e.event, e.sent_at, now)}
    if doubtful or any(is_old(each.sent_at, now) for each in orders.values()):
        try:
            now = await clock_of(sidecar, COUNTER)
        except ServiceUnavailable as error:
            for order_id in (orders[key].event.orderId for key in doubtful):
                log("order.undecided", level="warning", orderId=order_id, cause=str(error))
            orders = {key: each for key, each in orders.items() if key not in doubtful}
    return {key: seconds_left(e.event, e.sent_at, now) < 0 for key, e in orders.items()}
