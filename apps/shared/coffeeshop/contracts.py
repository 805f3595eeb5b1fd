"""The wire: every JSON document that crosses HTTP or the broker, and nothing else.

Readers of answers and events ignore fields they do not know, so that fields can be added; a command
with one is refused, for what it asks would not be done. Events carry a version, and a consumer
leaves versions it does not know to a newer one of itself.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from coffeeshop.fields import Amount, ItemType, Moment, Money, Name, OrderId
from coffeeshop.fields import Station as Station

MAX_ITEMS = 50
"""Items in one order."""


class ItemStatus(StrEnum):
    PLACED = "PLACED"
    QUEUED = "QUEUED"
    STARTED = "STARTED"
    READY = "READY"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class OrderStatus(StrEnum):
    PLACED = "PLACED"
    IN_PROGRESS = "IN_PROGRESS"
    FULFILLED = "FULFILLED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)

    def to_json(self) -> bytes:
        """The document as the wire has it."""
        return with_numbers(self.model_dump_json().encode())


def with_numbers(document: bytes) -> bytes:
    """The document as the wire has it: money as a decimal number, never through a float."""
    for amount in _AMOUNTS:
        document = amount.sub(_as_number, document)
    return document


def _as_number(found: re.Match[bytes]) -> bytes:
    return found[1] + found[2]


# pydantic writes a Decimal as a string. Quotes inside JSON strings are escaped, so that these can
# only match a key and its value. One pattern for all names would take twice as long: it does not
# begin with a literal.
_AMOUNTS = (
    re.compile(rb'("price":)"(\d+\.\d\d)"'),
    re.compile(rb'("total":)"(\d+\.\d\d)"'),
    re.compile(rb'("due":)"(\d+\.\d\d)"'),
)


class Command(Document):
    """What a client asks for: a field that is not known is an error, and named, and so is one that
    is given twice (`coffeeshop.request`)."""

    model_config = ConfigDict(extra="forbid")


# Menu: product-api to everybody


class About(Document):
    """What an API is; `description` is the path of its OpenAPI document."""

    name: str
    does: str
    description: str


class MenuItem(Document):
    itemType: ItemType
    name: str
    price: Money
    station: Station
    image: str


class TypesQuery(Command):
    """Item types, separated by commas."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"types": "1,7"}]})

    types: str


class Offer(MenuItem):
    """What the counter shows: an item, and whether its station makes it now. `available` is null
    when the station does not say."""

    available: bool | None


class Menu(Document):
    items: tuple[Offer, ...]


# Orders: POS to counter-api


class ItemRequest(Command):
    itemType: ItemType


_Items = Annotated[tuple[ItemRequest, ...], Field(max_length=MAX_ITEMS)]
_Number = Annotated[int, Field(strict=True, ge=0, le=99)]
# A client that has nothing to say may say null.
Items = Annotated[
    _Items, BeforeValidator(lambda v: () if v is None else v, json_schema_input_type=_Items | None)
]
Number = Annotated[
    _Number, BeforeValidator(lambda v: 0 if v is None else v, json_schema_input_type=_Number | None)
]


class PlaceOrder(Command):
    """The command of a POS. What stands under `items` is made by the station that the menu names;
    the two other lists say besides which that must be. `timestamp` is the POS's own clock, with its
    zone: kept, never used to order anything."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "loyaltyMemberId": "ann",
                    "baristaItems": [{"itemType": 1}],
                    "kitchenItems": [{"itemType": 7}],
                }
            ]
        }
    )

    commandType: Annotated[Number, Field(le=0)] = 0
    orderSource: Number = 0
    location: Number = 0
    loyaltyMemberId: Name
    baristaItems: Items = ()
    kitchenItems: Items = ()
    items: Items = ()
    timestamp: Moment | None = None


# Orders: counter-api to everybody. Nobody parses these here, and to check them again, as models do,
# took longer than to place the order: so they are plain.


@dataclass(slots=True)
class OrderItem:
    id: str
    itemType: ItemType
    name: str
    price: Amount
    station: Station
    status: ItemStatus
    reason: str | None


@dataclass(slots=True)
class StatusChange:
    status: OrderStatus
    at: datetime
    cause: str


@dataclass(slots=True)
class Order:
    """`number` is what the order is called out by; null for one that an earlier release placed.
    `total` is what was ordered; `due` is what was made of it, and while the order is open what has
    not failed and was not cancelled. `estimateSeconds` is about how long it will take from now,
    null where that is not known and when the order has ended."""

    id: str
    number: int | None
    status: OrderStatus
    loyaltyMemberId: str
    orderSource: int
    location: int
    timestamp: datetime | None
    placedAt: datetime
    updatedAt: datetime
    expiresAt: datetime
    estimateSeconds: int | None
    total: Amount
    due: Amount
    items: tuple[OrderItem, ...]
    history: tuple[StatusChange, ...]


@dataclass(slots=True)
class OrderPage:
    """Orders, newest first; `next` is the cursor of the page after this one, if there is one."""

    orders: tuple[Order, ...]
    next: str | None


@dataclass(slots=True)
class PickupOrder:
    """An order as it is called out. `readyAt` is null while it is in preparation."""

    orderId: str
    number: int | None
    name: str
    status: OrderStatus
    placedAt: datetime
    readyAt: datetime | None
    estimateSeconds: int | None
    items: int
    readyItems: int


@dataclass(slots=True)
class Pickup:
    """What the customers wait for: in preparation, oldest first, and ready, the newest first."""

    inPreparation: tuple[PickupOrder, ...]
    ready: tuple[PickupOrder, ...]


@dataclass(slots=True)
class Collected:
    """That an order was handed over."""

    orderId: str
    collectedAt: datetime


# Events: counter-api and the stations over the broker


class ItemToMake(Document):
    id: str
    itemType: ItemType
    name: str


class StationOrdered(Document):
    """`…_order_placed`: these items are wanted for `secondsLeft`, from the event's `time` on; then
    it is too late. `expiresAt` is that moment by the counter's clock, for readers of earlier
    releases. `…_order_cancelled`: they are not wanted any more. `number` is called out, `name` is
    the customer's."""

    version: Literal[1] = 1
    orderId: OrderId
    expiresAt: AwareDatetime
    secondsLeft: Annotated[float, Field(allow_inf_nan=False)] | None = None
    items: tuple[ItemToMake, ...]
    placedAt: AwareDatetime | None = None
    number: int | None = None
    name: str | None = None


class MadeItem(Document):
    """What a station says of one item. Each making draws a `makeId` of its own (W6). The two times
    are known where staff make: when the item was started, and when it was ready or failed."""

    id: str
    itemType: ItemType
    name: str
    status: ItemStatus
    reason: str | None
    makeId: str | None
    startedAt: AwareDatetime | None = None
    endedAt: AwareDatetime | None = None


class StationAnswered(Document):
    """`barista_order_updated`, `kitchen_order_updated`: the station's report on an order. Of two
    reports the one with the higher `sequence` is newer; nothing follows a `final` one (W7)."""

    version: Literal[1] = 1
    orderId: OrderId
    station: Station
    sequence: int = Field(default=1, ge=0)
    final: bool = True
    items: tuple[MadeItem, ...]
    answeredAt: AwareDatetime
