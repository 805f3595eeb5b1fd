"""What a station decides about an order, and about what is sold out: pure functions.

W1 to W17 are the workflow's rules (docs/workflow.md).
"""

from collections.abc import Callable
from datetime import datetime

from coffeeshop import contracts
from coffeeshop.contracts import (
    ItemStatus,
    ItemToMake,
    MadeItem,
    SoldOutList,
    Station,
    StationAnswered,
    StationOrdered,
)


def decide(
    order: StationOrdered,
    station: Station,
    sold_out: frozenset[int],
    now: datetime,
    make_id: Callable[[], str],
    *,
    is_late: bool,
) -> StationAnswered:
    """The station's report on an order: each item is too late, sold out, or made."""

    def verdict(item: ItemToMake) -> MadeItem:
        reason = None
        if is_late:
            reason = f"{item.name} was not made: the order came to the {station} too late."
        elif item.itemType in sold_out:
            reason = f"{item.name} is sold out."
        return MadeItem(
            id=item.id,
            itemType=item.itemType,
            name=item.name,
            status=ItemStatus.FAILED if reason else ItemStatus.READY,
            reason=reason,
            makeId=None if reason else make_id(),
        )

    return StationAnswered(
        orderId=order.orderId,
        station=station,
        items=tuple(map(verdict, order.items)),
        answeredAt=now,
    )


def cancelled(order: StationOrdered, station: Station, now: datetime) -> StationAnswered:
    """The report on an order that was cancelled before it came (W13)."""
    return StationAnswered(
        orderId=order.orderId,
        station=station,
        items=tuple(
            MadeItem(
                id=item.id,
                itemType=item.itemType,
                name=item.name,
                status=ItemStatus.CANCELLED,
                reason=f"{item.name} was cancelled before it was begun.",
                makeId=None,
            )
            for item in order.items
        ),
        answeredAt=now,
    )


def with_item(current: SoldOutList, item_type: int, now: datetime) -> SoldOutList:
    if any(each.itemType == item_type for each in current.items):
        return current
    entry = contracts.SoldOutItem(itemType=item_type, since=now)
    return SoldOutList(items=(*current.items, entry))


def without_item(current: SoldOutList, item_type: int) -> SoldOutList:
    return SoldOutList(items=tuple(e for e in current.items if e.itemType != item_type))
