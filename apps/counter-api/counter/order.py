"""The order: its documents, its states, and every decision about it, as pure functions.

State in, new state out. Nothing here reads a clock, draws an id or calls anybody. The numbers W1 to
W17 are the workflow's rules (docs/workflow.md).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from coffeeshop.answers import FieldError
from coffeeshop.contracts import (
    MAX_ITEMS,
    ItemRequest,
    ItemStatus,
    MenuItem,
    OrderStatus,
    PlaceOrder,
    Station,
    StationAnswered,
)

GRACE = timedelta(seconds=90)
"""How long after `expires_at` a report may still be on its way (W9): a delivery of 5 s, retries of
32 s, and the same again for the report, with some seconds for clocks that differ."""
ANSWER_TIME = timedelta(seconds=30)
"""How long a station has for the last question before it is given up (W10)."""
FIRST_LOOKS = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40))
LOOK_PERIOD = timedelta(seconds=60)
"""When the sweep looks at an open order: at these ages, and then once a period (W8)."""


# Documents


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it was ordered. `price` is in cents."""

    id: str
    item_type: int
    name: str
    price: int
    station: Station


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What a station says of one item."""

    id: str
    status: ItemStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A station's latest report on an order, or, with `gave_up`, that there never was one."""

    station: Station
    sequence: int
    final: bool
    items: tuple[ItemOutcome, ...]
    first_at: datetime
    """When the counter had the station's first report."""
    recorded_at: datetime
    """When the counter had this one."""
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was placed, and, once it is settled, with the final report of each station.
    `body_hash` tells one request from another that uses the same idempotency key."""

    id: str
    body_hash: str
    loyalty_member_id: str
    order_source: int
    location: int
    timestamp: datetime | None
    placed_at: datetime
    expires_at: datetime
    items: tuple[Item, ...]
    settled: tuple[Report, ...] | None = None
    kind: Literal["order"] = "order"

    @property
    def total(self) -> int:
        """In cents."""
        return sum(item.price for item in self.items)

    @property
    def stations(self) -> tuple[Station, ...]:
        """The stations that the order needs, sorted by name."""
        return tuple(sorted({item.station for item in self.items}))

    def items_of(self, station: Station) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.station == station)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Stands where an order was never saved, so that it never will be: final (W1)."""

    id: str
    abandoned_at: datetime
    kind: Literal["tombstone"] = "tombstone"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Somebody wants the order cancelled; each station decides by what it has begun (W13)."""

    requested_at: datetime


Record = Order | Tombstone
Reports = Mapping[Station, Report]


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


# What the public sees


@dataclass(frozen=True, slots=True)
class Change:
    status: OrderStatus
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class View:
    """An order with its stations' reports laid over it: derived at each read, never stored."""

    order: Order
    status: OrderStatus
    outcomes: Mapping[str, ItemOutcome]
    """By item id; an item without one is PLACED."""
    updated_at: datetime
    history: tuple[Change, ...]

    @property
    def is_terminal(self) -> bool:
        return self.status not in (OrderStatus.PLACED, OrderStatus.IN_PROGRESS)


def view(order: Order, reports: Reports) -> View:
    """The order's public form. It is terminal when every report that it needs is final; a settled
    order needs no reports but its own."""
    known, unfinished = order.settled, False
    if known is None:
        known = tuple(reports[station] for station in order.stations if station in reports)
        unfinished = bool(open_stations(order, reports))
    placed = Change(OrderStatus.PLACED, order.placed_at, "the order was placed")
    if not known:
        return View(order, OrderStatus.PLACED, {}, order.placed_at, (placed,))
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
        return View(order, OrderStatus.IN_PROGRESS, outcomes, last, (placed, begins))
    for item in order.items:
        if item.id not in outcomes:
            reason = f"The {item.station} did not say."
            outcomes[item.id] = ItemOutcome(item.id, ItemStatus.FAILED, reason)
    status, cause = _end({outcome.status for outcome in outcomes.values()})
    ends = Change(status, last, cause)
    history = (placed, begins, ends) if len(known) > 1 or begun < last else (placed, ends)
    return View(order, status, outcomes, last, history)


def _end(statuses: Collection[ItemStatus]) -> tuple[OrderStatus, str]:
    if statuses == {ItemStatus.READY}:
        return OrderStatus.FULFILLED, "every item is ready"
    if statuses == {ItemStatus.CANCELLED}:
        return OrderStatus.CANCELLED, "every item was cancelled"
    return OrderStatus.FAILED, "not every item could be made"


def open_stations(order: Order, reports: Reports) -> tuple[Station, ...]:
    """The stations that have not reported their last word."""
    return tuple(s for s in order.stations if s not in reports or not reports[s].final)


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


# What the sweep does about an order


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing will change any more (W12)."""


@dataclass(frozen=True, slots=True)
class Bury:
    """No order was saved: see to it that none will be (W12)."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Every report is final: save the order with them. `given_up` are the stations to which
    `cancel` must be published first (W11)."""

    order: Order
    given_up: tuple[Station, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask these stations again (W8). `is_last`: a station may be given up if it stays silent."""

    order: Order
    stations: tuple[Station, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """These stations never reported and did not answer the last question (W10)."""

    order: Order
    stations: tuple[Station, ...]


Look = Done | Bury | Settle | Ask | GiveUp


def look(record: Record | None, reports: Reports, now: datetime, asked: datetime | None) -> Look:
    """What has to be done about what stands under an order's id. `asked` is when the last question
    was confirmed, if it was asked."""
    if record is None:
        return Bury()
    if isinstance(record, Tombstone) or record.settled is not None:
        return Done()
    if not (still_open := open_stations(record, reports)):
        final = tuple(reports[station] for station in record.stations)
        given_up_ = tuple(report.station for report in final if report.gave_up)
        return Settle(replace(record, settled=final), given_up_)
    silent = tuple(station for station in still_open if station not in reports)
    is_last = bool(silent) and now > record.expires_at + GRACE
    if is_last and asked is not None and now >= asked + ANSWER_TIME:
        return GiveUp(record, silent)
    return Ask(record, still_open, is_last)


def next_look(record: Order, now: datetime, asked: datetime | None) -> datetime:
    """When the sweep looks at an open order again (W8)."""
    age = now - record.placed_at
    for first in FIRST_LOOKS:
        if age < first:
            regular = record.placed_at + first
            break
    else:
        last = FIRST_LOOKS[-1]
        regular = record.placed_at + last + LOOK_PERIOD * ((age - last) // LOOK_PERIOD + 1)
    if asked is not None:
        return min(regular, max(asked + ANSWER_TIME, now))
    due = record.expires_at + GRACE + timedelta(milliseconds=1)
    return min(regular, due) if now < due else regular
