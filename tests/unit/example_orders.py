"""Orders and stations' reports on them, for unit tests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from coffeeshop.contracts import (
    ItemRequest,
    ItemStatus,
    MadeItem,
    MenuItem,
    PlaceOrder,
    Station,
    StationAnswered,
)
from counter.documents import Order, Report
from counter.order import OrderRequest, place, to_report
from counter.wire import order_request

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEADLINE = timedelta(minutes=5)
NUMBER = 33
ORDER_ID = "00000000-0000-4000-8000-000000000001"
MENU = {
    number: MenuItem(itemType=number, name=name, price=Decimal(price), station=station, image="")
    for number, name, price, station in [
        (1, "COFFEE_BLACK", "3.00", Station.BARISTA),
        (5, "LATTE", "4.50", Station.BARISTA),
        (7, "CROISSANT", "3.25", Station.KITCHEN),
        (8, "MUFFIN", "3.00", Station.KITCHEN),
    ]
}
MENU_JSON = b"[" + b",".join(item.to_json() for item in MENU.values()) + b"]"


def command(barista: list[int], kitchen: list[int]) -> PlaceOrder:
    return PlaceOrder(
        loyaltyMemberId="ann",
        baristaItems=tuple(ItemRequest(itemType=t) for t in barista),
        kitchenItems=tuple(ItemRequest(itemType=t) for t in kitchen),
    )


def requested(barista: list[int], kitchen: list[int]) -> OrderRequest:
    return order_request(command(barista, kitchen))


def placed(barista: list[int], kitchen: list[int]) -> Order:
    order = place(
        requested(barista, kitchen),
        MENU,
        order_id=ORDER_ID,
        now=NOW,
        deadline=DEADLINE,
    )
    return replace(order, number=NUMBER)


def answer(
    order: Order,
    station: Station,
    statuses: Mapping[str, ItemStatus] | None = None,
    *,
    sequence: int = 1,
    final: bool = True,
) -> StationAnswered:
    """A station's report: READY but for the items whose ids have another status."""
    given = statuses or {}
    items = []
    for item in order.items_of(station):
        status = given.get(item.id, ItemStatus.READY)
        items.append(
            MadeItem(
                id=item.id,
                itemType=item.item_type,
                name=item.name,
                status=status,
                reason=f"{item.name} is sold out." if status is ItemStatus.FAILED else None,
                makeId=None,
            )
        )
    return StationAnswered(
        orderId=order.id,
        station=station,
        sequence=sequence,
        final=final,
        items=tuple(items),
        answeredAt=NOW,
    )


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def report(order: Order, station: Station, at: datetime = NOW, **statuses: ItemStatus) -> Report:
    """A final report; `_1=FAILED` is of the order's first item."""
    by_id = {f"{order.id}-{name[1:]}": status for name, status in statuses.items()}
    return to_report(answer(order, station, by_id), at)


def under_way(order: Order, station: Station, sequence: int, at: datetime = NOW) -> Report:
    """A report that is not final: the station has begun."""
    statuses = dict.fromkeys((item.id for item in order.items), ItemStatus.STARTED)
    return to_report(answer(order, station, statuses, sequence=sequence, final=False), at)


def settled(order: Order, *reports: Report) -> Order:
    return replace(order, settled=tuple(reports))
