"""An order as the public sees it: its document with its stations' reports laid over it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from coffeeshop.contracts import ItemStatus, OrderStatus
from counter.documents import ItemOutcome, Order, Reports
from counter.order import unfinished_stations

_NOT_MADE = (ItemStatus.FAILED, ItemStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Change:
    status: OrderStatus
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its stations' reports laid over it: derived at each read, never stored."""

    order: Order
    status: OrderStatus
    outcomes: Mapping[str, ItemOutcome]
    """By item id; an item without one is PLACED."""
    updated_at: datetime
    history: tuple[Change, ...]
    estimate: int | None = None
    """Seconds until it has ended, if that is known (`counter.estimate`)."""

    @property
    def is_terminal(self) -> bool:
        return self.status not in (OrderStatus.PLACED, OrderStatus.IN_PROGRESS)

    @property
    def due(self) -> int:
        """In cents: what was made, and while the order is open what still may be."""
        return sum(item.price for item in self.order.items if self._is_due(item.id))

    def _is_due(self, item_id: str) -> bool:
        outcome = self.outcomes.get(item_id)
        if self.is_terminal:
            return outcome is not None and outcome.status is ItemStatus.READY
        return outcome is None or outcome.status not in _NOT_MADE


def view(order: Order, reports: Reports, estimate: int | None = None) -> OrderView:
    """The order's public form. It is terminal when every report that it needs is final; a settled
    order needs no reports but its own. `estimate` is that of an open order, in seconds."""
    known, unfinished = order.settled, False
    if known is None:
        known = tuple(reports[station] for station in order.stations if station in reports)
        unfinished = bool(unfinished_stations(order, reports))
    placed = Change(OrderStatus.PLACED, order.placed_at, "the order was placed")
    if not known:
        return OrderView(order, OrderStatus.PLACED, {}, order.placed_at, (placed,), estimate)
    said = {(report.station, each.id): each for report in known for each in report.items}
    outcomes = {
        item.id: said[item.station, item.id]
        for item in order.items
        if (item.station, item.id) in said
    }
    begun = min(report.first_at for report in known)
    last = max(report.recorded_at for report in known)
    begins = Change(OrderStatus.IN_PROGRESS, begun, "a station reported")
    if unfinished:
        status = OrderStatus.IN_PROGRESS
        return OrderView(order, status, outcomes, last, (placed, begins), estimate)
    for item in order.items:
        if item.id not in outcomes:
            reason = f"The {item.station} did not say."
            outcomes[item.id] = ItemOutcome(item.id, ItemStatus.FAILED, reason)
    status, cause = _end(order, {outcome.status for outcome in outcomes.values()})
    ends = Change(status, last, cause)
    history = (placed, begins, ends) if len(known) > 1 or begun < last else (placed, ends)
    return OrderView(order, status, outcomes, last, history)


def _end(order: Order, statuses: Collection[ItemStatus]) -> tuple[OrderStatus, str]:
    if statuses == {ItemStatus.READY}:
        return OrderStatus.FULFILLED, "every item is ready"
    if statuses == {ItemStatus.CANCELLED}:
        return OrderStatus.CANCELLED, "every item was cancelled"
    if ItemStatus.READY not in statuses:
        return OrderStatus.FAILED, "no item could be made"
    if order.number is None:
        # Of a release that had no PARTIAL: its end does not change (G3).
        return OrderStatus.FAILED, "not every item could be made"
    return OrderStatus.PARTIAL, "some items are ready, some are not"
