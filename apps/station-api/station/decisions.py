"""What a station decides about an order when it comes, and what is sold out: pure functions.

What becomes of a ticket later is in `station.tickets`. W1 to W17 are the workflow's rules
(docs/workflow.md).
"""

from collections.abc import Callable
from datetime import datetime

from coffeeshop.contracts import (
    ItemStatus,
    ItemToMake,
    Station,
    StationOrdered,
)
from coffeeshop.sold_out import SoldOutItem, SoldOutList
from coffeeshop.tickets import Ticket, TicketItem


def decide(
    order: StationOrdered,
    station: Station,
    sold_out: frozenset[int],
    now: datetime,
    make_id: Callable[[], str],
    *,
    is_late: bool,
) -> Ticket:
    """The ticket of a station that makes at once: each item is too late, sold out, or made."""

    def outcome(item: ItemToMake) -> TicketItem:
        if reason := _obstacle(item, station, sold_out, is_late=is_late):
            return _item(item, ItemStatus.FAILED, reason)
        return _item(item, ItemStatus.READY, make_id=make_id())

    return _ticket(order, station, tuple(map(outcome, order.items)), now)


def accept(
    order: StationOrdered,
    station: Station,
    sold_out: frozenset[int],
    now: datetime,
    *,
    is_late: bool,
) -> Ticket:
    """The ticket of a station where staff make: each item is too late, sold out, or queued."""

    def outcome(item: ItemToMake) -> TicketItem:
        if reason := _obstacle(item, station, sold_out, is_late=is_late):
            return _item(item, ItemStatus.FAILED, reason, ended_at=now)
        return _item(item, ItemStatus.QUEUED)

    items = tuple(map(outcome, order.items))
    return _ticket(order, station, items, now, accepted_at=now)


def cancelled(order: StationOrdered, station: Station, now: datetime) -> Ticket:
    """The ticket of an order that was cancelled before it came (W13)."""
    items = (_item(i, ItemStatus.CANCELLED, cancelled_because(i.name)) for i in order.items)
    return _ticket(order, station, tuple(items), now)


def cancelled_because(name: str) -> str:
    return f"{name} was cancelled before it was begun."


def _obstacle(
    item: ItemToMake, station: Station, sold_out: frozenset[int], *, is_late: bool
) -> str | None:
    """Why the item cannot be made."""
    if is_late:
        return f"{item.name} was not made: the order came to the {station} too late."
    if item.itemType in sold_out:
        return f"{item.name} is sold out."
    return None


def _item(
    item: ItemToMake,
    status: ItemStatus,
    reason: str | None = None,
    *,
    make_id: str | None = None,
    ended_at: datetime | None = None,
) -> TicketItem:
    return TicketItem(
        id=item.id,
        itemType=item.itemType,
        name=item.name,
        status=status,
        reason=reason,
        makeId=make_id,
        endedAt=ended_at,
    )


def _ticket(
    order: StationOrdered,
    station: Station,
    items: tuple[TicketItem, ...],
    now: datetime,
    *,
    accepted_at: datetime | None = None,
) -> Ticket:
    return Ticket(
        orderId=order.orderId,
        station=station,
        final=all(item.status is not ItemStatus.QUEUED for item in items),
        items=items,
        answeredAt=now,
        placedAt=order.placedAt or accepted_at,
        acceptedAt=accepted_at,
        number=order.number,
        name=order.name,
    )


def with_item(current: SoldOutList, item_type: int, now: datetime) -> SoldOutList:
    if any(each.itemType == item_type for each in current.items):
        return current
    entry = SoldOutItem(itemType=item_type, since=now)
    return SoldOutList(items=(*current.items, entry))


def without_item(current: SoldOutList, item_type: int) -> SoldOutList:
    return SoldOutList(items=tuple(e for e in current.items if e.itemType != item_type))
