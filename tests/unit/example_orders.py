"""Orders and the answers to them, for unit tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from coffeeshop.contracts import (
    ItemRequest,
    ItemStatus,
    MadeItem,
    MenuItem,
    PlaceOrder,
    Station,
)
from counter.order import Order, place

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEADLINE = timedelta(minutes=5)
MENU = {
    number: MenuItem(itemType=number, name=name, price=Decimal(price), station=station, image="")
    for number, name, price, station in [
        (1, "COFFEE_BLACK", "3.00", Station.BARISTA),
        (5, "LATTE", "4.50", Station.BARISTA),
        (7, "CROISSANT", "3.25", Station.KITCHEN),
        (8, "MUFFIN", "3.00", Station.KITCHEN),
    ]
}


def command(barista: list[int], kitchen: list[int]) -> PlaceOrder:
    return PlaceOrder(
        loyaltyMemberId="ann",
        baristaItems=tuple(ItemRequest(itemType=t) for t in barista),
        kitchenItems=tuple(ItemRequest(itemType=t) for t in kitchen),
    )


def placed(barista: list[int], kitchen: list[int]) -> Order:
    return place(
        command(barista, kitchen),
        MENU,
        order_id="o",
        body_hash="h",
        now=NOW,
        deadline=DEADLINE,
    )


def verdicts(order: Order, station: Station, failed: frozenset[str]) -> list[MadeItem]:
    return [
        MadeItem(
            id=item.id,
            itemType=item.item_type,
            name=item.name,
            status=ItemStatus.FAILED if item.id in failed else ItemStatus.READY,
            reason=f"{item.name} is sold out." if item.id in failed else None,
            makeId=None,
        )
        for item in order.items
        if item.station == station
    ]
