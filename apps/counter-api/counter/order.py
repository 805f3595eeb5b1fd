"""Decisions about an order and about its stations' reports, as pure functions.

State in, new state out. Nothing here reads a clock, draws an id or calls anybody. W1 to W19 are the
workflow's rules (docs/workflow.md). What an order looks like from outside is in `counter.view`,
what the sweep does about it in `counter.checks`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coffeeshop.contracts import MAX_ITEMS, ItemStatus, MenuItem, Station, StationAnswered
from coffeeshop.events import Delivered
from counter.documents import Item, ItemOutcome, Order, Report, Reports

# Placing


@dataclass(frozen=True, slots=True)
class Wanted:
    """An item that is asked for, and the station that must make it, if one is named."""

    item_type: int
    station: Station | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a POS asks for. `body_hash` tells it from another request with the same key."""

    loyalty_member_id: str
    order_source: int
    location: int
    timestamp: datetime | None
    items: tuple[Wanted, ...]
    body_hash: str


class Rejected(Exception):
    """The order cannot be placed as it is; nothing was stored."""


class WrongCount(Rejected):
    """It has no item, or too many."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class WrongItems(Rejected):
    """Some of its items cannot be made so. By the position of each in the request: what has its
    number on the menu, if anything has."""

    def __init__(self, items: Mapping[int, MenuItem | None]) -> None:
        super().__init__(items)
        self.items = items


def requested_types(request: OrderRequest) -> tuple[int, ...]:
    """The item types to ask product-api for. Raises `WrongCount`."""
    if not 0 < len(request.items) <= MAX_ITEMS:
        raise WrongCount(len(request.items))
    return tuple(dict.fromkeys(wanted.item_type for wanted in request.items))


def place(
    request: OrderRequest,
    menu: Mapping[int, MenuItem],
    *,
    order_id: str,
    now: datetime,
    deadline: timedelta,
) -> Order:
    """A new order, priced from the menu. Raises `WrongItems`."""
    items: list[Item] = []
    wrong: dict[int, MenuItem | None] = {}
    for position, wanted in enumerate(request.items):
        known = menu.get(wanted.item_type)
        if known is None or wanted.station not in (None, known.station):
            wrong[position] = known
            continue
        items.append(
            Item(
                id=f"{order_id}-{len(items) + 1}",
                item_type=known.itemType,
                name=known.name,
                price=int(known.price * 100),
                station=known.station,
            )
        )
    if wrong:
        raise WrongItems(wrong)
    return Order(
        id=order_id,
        body_hash=request.body_hash,
        loyalty_member_id=request.loyalty_member_id,
        order_source=request.order_source,
        location=request.location,
        timestamp=request.timestamp,
        placed_at=now,
        expires_at=now + deadline,
        items=tuple(items),
    )


# A station's report


def to_report(event: StationAnswered, now: datetime) -> Report:
    """The report as the counter stores it."""
    return Report(
        station=event.station,
        sequence=event.sequence,
        final=event.final,
        items=tuple(ItemOutcome(item.id, item.status, item.reason) for item in event.items),
        first_at=now,
        recorded_at=now,
    )


def newest(
    events: Iterable[Delivered[StationAnswered]], now: datetime
) -> list[tuple[Delivered[StationAnswered], Report]]:
    """The reports to be stored, of each order and station the newest (W7)."""
    found: dict[tuple[str, Station], tuple[Delivered[StationAnswered], Report]] = {}
    for each in events:
        key, report = (each.event.orderId, each.event.station), to_report(each.event, now)
        if key not in found or newer(found[key][1], report) is not None:
            found[key] = each, report
    return list(found.values())


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


def given_up_report(order: Order, station: Station, now: datetime) -> Report:
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


def unfinished_stations(order: Order, reports: Reports) -> tuple[Station, ...]:
    """The stations that have not reported their last word."""
    return tuple(s for s in order.stations if s not in reports or not reports[s].final)
