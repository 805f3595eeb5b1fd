"""Decisions about an order and about its stations' reports, as pure functions.

State in, new state out. Nothing here reads a clock, draws an id or calls anybody. W1 to W17 are the
workflow's rules (docs/workflow.md). What an order looks like from outside is in `counter.view`,
what the sweep does about it in `counter.looks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from coffeeshop.answers import FieldError
from coffeeshop.contracts import (
    MAX_ITEMS,
    ItemRequest,
    ItemStatus,
    MenuItem,
    PlaceOrder,
    Station,
    StationAnswered,
)
from counter.documents import Item, ItemOutcome, Order, Report, Reports

# Placing


class Rejected(Exception):
    """The order cannot be placed as it is; nothing was stored."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("rejected")
        self.errors = tuple(errors)


def requested_types(command: PlaceOrder) -> tuple[int, ...]:
    """The item types to ask product-api for. Raises `Rejected` if there are none or too many."""
    wanted = [item.itemType for item in _requests(command)]
    if not wanted:
        message = "an order needs at least one item"
        raise Rejected(
            [FieldError(field=field, message=message) for field in ("baristaItems", "kitchenItems")]
        )
    if len(wanted) > MAX_ITEMS:
        message = f"an order may have at most {MAX_ITEMS} items in all, this one has {len(wanted)}"
        raise Rejected(
            [FieldError(field=field, message=message) for field in ("baristaItems", "kitchenItems")]
        )
    return tuple(dict.fromkeys(wanted))


def _requests(command: PlaceOrder) -> tuple[ItemRequest, ...]:
    return (*command.baristaItems, *command.kitchenItems, *command.items)


def place(
    command: PlaceOrder,
    menu: Mapping[int, MenuItem],
    *,
    order_id: str,
    body_hash: str,
    now: datetime,
    deadline: timedelta,
) -> Order:
    """A new order, priced from the menu. Raises `Rejected` naming each field that is wrong."""
    errors: list[FieldError] = []
    items: list[Item] = []
    wanted: tuple[tuple[str, Station | None, tuple[ItemRequest, ...]], ...] = (
        ("baristaItems", Station.BARISTA, command.baristaItems),
        ("kitchenItems", Station.KITCHEN, command.kitchenItems),
        ("items", None, command.items),
    )
    for field, station, requests in wanted:
        for position, request in enumerate(requests):
            known = menu.get(request.itemType)
            if known is not None and station in (None, known.station):
                items.append(
                    Item(
                        id=f"{order_id}-{len(items) + 1}",
                        item_type=known.itemType,
                        name=known.name,
                        price=int(known.price * 100),
                        station=known.station,
                    )
                )
                continue
            message = (
                f"there is no item {request.itemType} on the menu"
                if known is None
                else f"{known.name} is made by the {known.station}, not by the {station}"
            )
            errors.append(FieldError(field=f"{field}.{position}.itemType", message=message))
    if errors:
        raise Rejected(errors)
    return Order(
        id=order_id,
        body_hash=body_hash,
        loyalty_member_id=command.loyaltyMemberId,
        order_source=command.orderSource,
        location=command.location,
        timestamp=command.timestamp,
        placed_at=now,
        expires_at=now + deadline,
        items=tuple(items),
    )


# A station's report


def reported(event: StationAnswered, now: datetime) -> Report:
    """The report as the counter stores it."""
    return Report(
        station=event.station,
        sequence=event.sequence,
        final=event.final,
        items=tuple(ItemOutcome(item.id, item.status, item.reason) for item in event.items),
        first_at=now,
        recorded_at=now,
    )


def newer(stored: Report, report: Report) -> Report | None:
    """What replaces the stored report, or None if it stays (W7): a final one stays, a final one
    replaces any that is not, and of two that are not the higher number wins."""
    if stored.final or not (report.final or report.sequence > stored.sequence):
        return None
    return replace(report, first_at=min(stored.first_at, report.first_at))


def contradicts(stored: Report, report: Report) -> bool:
    """Whether the report comes too late: what is stored is final and says something else."""
    if not stored.final:
        return False
    return stored.gave_up or (report.final and stored.items != report.items)


def given_up(order: Order, station: Station, now: datetime) -> Report:
    """Stands for the report of a station that never reported (W10)."""
    reason = f"The {station} did not answer in time."
    items = (ItemOutcome(i.id, ItemStatus.FAILED, reason) for i in order.items_of(station))
    return Report(
        station=station,
        sequence=0,
        final=True,
        items=tuple(items),
        first_at=now,
        recorded_at=now,
        gave_up=True,
    )


def open_stations(order: Order, reports: Reports) -> tuple[Station, ...]:
    """The stations that have not reported their last word."""
    return tuple(s for s in order.stations if s not in reports or not reports[s].final)
