"""The order: its states, and every decision about it, as pure functions.

State in, new state out. Nothing here reads a clock, draws an id or calls anybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from coffeeshop.contracts import (
    MAX_ITEMS,
    FieldError,
    ItemRequest,
    ItemStatus,
    MadeItem,
    MenuItem,
    OrderStatus,
    PlaceOrder,
    Station,
)

GRACE = timedelta(seconds=90)
"""How long after `expires_at` an answer may still be on its way. An answer that was given in time
is retried by the sidecar for 40 s. What a sidecar that died had in its hands comes again only after
95 s, but the watchdog has each open order's station say its answer again every 20 s."""


@dataclass(frozen=True, slots=True)
class Item:
    """`price` is in cents."""

    id: str
    item_type: int
    name: str
    price: int
    station: Station
    status: ItemStatus = ItemStatus.PLACED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    status: OrderStatus
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is stored. Its total is in cents; `body_hash` tells one request from another
    that uses the same idempotency key."""

    id: str
    body_hash: str
    loyalty_member_id: str
    order_source: int
    location: int
    timestamp: datetime | None
    placed_at: datetime
    updated_at: datetime
    expires_at: datetime
    status: OrderStatus
    items: tuple[Item, ...]
    history: tuple[Change, ...]
    kind: Literal["order"] = "order"

    @property
    def total(self) -> int:
        return sum(item.price for item in self.items)

    @property
    def is_terminal(self) -> bool:
        return self.status in (OrderStatus.FULFILLED, OrderStatus.FAILED)

    def open_stations(self) -> tuple[Station, ...]:
        """The stations that have not answered yet."""
        waiting = {item.station for item in self.items if item.status is ItemStatus.PLACED}
        return tuple(sorted(waiting))


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Stands where an order was never saved, so that it never will be: final."""

    id: str
    abandoned_at: datetime
    kind: Literal["tombstone"] = "tombstone"


Record = Order | Tombstone


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
        updated_at=now,
        expires_at=now + deadline,
        status=OrderStatus.PLACED,
        items=tuple(items),
        history=(Change(OrderStatus.PLACED, now, "the order was placed"),),
    )


def record_answer(
    order: Order, station: Station, verdicts: Sequence[MadeItem], now: datetime
) -> Order:
    """The order with a station's verdicts, or the very same order if they change nothing:
    they were known already, or the order has ended."""
    if order.is_terminal:
        return order
    by_id = {verdict.id: verdict for verdict in verdicts}

    def decided(item: Item) -> Item:
        verdict = by_id.get(item.id)
        if verdict is None or item.station != station or item.status is not ItemStatus.PLACED:
            return item
        return replace(item, status=ItemStatus(verdict.status), reason=verdict.reason)

    return _with_items(order, tuple(map(decided, order.items)), now)


def contradicts(order: Order, verdicts: Sequence[MadeItem]) -> bool:
    """Whether an answer came too late: its items have ended otherwise."""
    ended = {item.id: item.status for item in order.items}
    return any(ended.get(verdict.id, verdict.status) != verdict.status for verdict in verdicts)


def give_up(order: Order, now: datetime) -> Order:
    """The order ended: every item that is still open has failed for want of an answer."""
    return _with_items(
        order,
        tuple(
            replace(
                item,
                status=ItemStatus.FAILED,
                reason=f"The {item.station} did not answer in time.",
            )
            if item.status is ItemStatus.PLACED
            else item
            for item in order.items
        ),
        now,
    )


def _with_items(order: Order, items: tuple[Item, ...], now: datetime) -> Order:
    if items == order.items:
        return order
    status, cause = _status(items)
    history = order.history
    if status is not order.status:
        # The cause names no station: whichever comes first, the order ends as the same order.
        history = (*history, Change(status, now, cause))
    return replace(order, items=items, status=status, updated_at=now, history=history)


def _status(items: Sequence[Item]) -> tuple[OrderStatus, str]:
    statuses = {item.status for item in items}
    if ItemStatus.PLACED in statuses:
        return OrderStatus.IN_PROGRESS, "a station answered"
    if ItemStatus.FAILED in statuses:
        return OrderStatus.FAILED, "not every item could be made"
    return OrderStatus.FULFILLED, "every item is ready"


# The watchdog's decision, by the rules of DESIGN.md §3


@dataclass(frozen=True, slots=True)
class End:
    """There is nothing left to watch."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """The order was never saved: see to it that it never will be (rule 5)."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The hard deadline has passed (rule 9)."""

    order: Order


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Publish to these stations again and keep watching (rule 8)."""

    order: Order
    stations: tuple[Station, ...]


def watch(record: Record | None, now: datetime) -> End | Abandon | GiveUp | Resubmit:
    """What the watchdog has to do about what it finds under an order's key."""
    if record is None:
        return Abandon()
    if isinstance(record, Tombstone) or record.is_terminal:
        return End()
    if now > record.expires_at + GRACE:
        return GiveUp(give_up(record, now))
    return Resubmit(record, record.open_stations())
