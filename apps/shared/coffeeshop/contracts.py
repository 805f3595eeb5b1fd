"""The wire: every JSON document that crosses HTTP or the broker, and nothing else.

Readers ignore fields they do not know, so that fields can be added; events carry a version,
and a consumer leaves versions it does not know to a newer one of itself.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

MAX_ITEMS = 50
"""Items in one order."""


class Station(str):
    """A station's name. The menu says which stations there are: no code lists them."""

    BARISTA: ClassVar["Station"]
    KITCHEN: ClassVar["Station"]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _: GetCoreSchemaHandler) -> CoreSchema:
        name = core_schema.str_schema(pattern="^[a-z]{1,20}$")
        return core_schema.no_info_after_validator_function(cls, name)


Station.BARISTA = Station("barista")
Station.KITCHEN = Station("kitchen")


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
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)

    def to_json(self) -> bytes:
        """The document as the wire has it."""
        return with_numbers(self.model_dump_json().encode())


def with_numbers(document: bytes) -> bytes:
    """The document as the wire has it: money as a decimal number, never through a float."""
    return _MONEY.sub(rb'"\1":\2', document)


# pydantic writes a Decimal as a string. Quotes inside JSON strings are escaped, so that this
# can only match a key and its value.
_MONEY = re.compile(rb'"(price|total)":"(\d+\.\d\d)"')

Money = Annotated[
    Decimal,
    Field(ge=0, decimal_places=2, max_digits=9),
    # A reader of 4.5 passes it on as 4.50: `with_numbers` knows money by its two decimals.
    AfterValidator(lambda amount: amount.quantize(Decimal("0.01"))),
    # Described as the wire has it (`with_numbers`), not as pydantic would write it.
    WithJsonSchema({"type": "number", "minimum": 0, "description": "US dollars, two decimals"}),
]
"""US dollars with two decimals."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _order_id(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise ValueError("must be the id of an order")
    return text


# The published schema says "string", so that this check is no pattern: it would be a new version.
OrderId = Annotated[str, AfterValidator(_order_id)]
"""A UUID in lower case. It becomes part of keys."""

ItemType = Annotated[int, Field(strict=True, ge=0, le=9999)]
"""The number of an item on the menu."""


# Menu: product-api to everybody


class MenuItem(Document):
    itemType: ItemType
    name: str
    price: Money
    station: Station
    image: str


class TypesQuery(Document):
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


class ItemRequest(Document):
    itemType: ItemType


class PlaceOrder(Document):
    """The command of a POS. What stands under `items` is made by the station that the menu names;
    the two other lists say besides which that must be. `timestamp` is the POS's own clock: kept,
    never used to order anything."""

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

    commandType: int = Field(default=0, ge=0, le=0)
    orderSource: int = Field(default=0, ge=0, le=99)
    location: int = Field(default=0, ge=0, le=99)
    loyaltyMemberId: str = Field(min_length=1, max_length=200)
    baristaItems: tuple[ItemRequest, ...] = Field(default=(), max_length=MAX_ITEMS)
    kitchenItems: tuple[ItemRequest, ...] = Field(default=(), max_length=MAX_ITEMS)
    items: tuple[ItemRequest, ...] = Field(default=(), max_length=MAX_ITEMS)
    timestamp: datetime | None = None


# Orders: counter-api to everybody. Nobody parses these here, and to check them again, as models do,
# took longer than to place the order: so they are plain.


@dataclass(slots=True)
class OrderItem:
    id: str
    itemType: ItemType
    name: str
    price: Money
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
    id: str
    status: OrderStatus
    loyaltyMemberId: str
    orderSource: int
    location: int
    timestamp: datetime | None
    placedAt: datetime
    updatedAt: datetime
    expiresAt: datetime
    total: Money
    items: tuple[OrderItem, ...]
    history: tuple[StatusChange, ...]


@dataclass(slots=True)
class OrderPage:
    """Orders, newest first; `next` is the cursor of the page after this one, if there is one."""

    orders: tuple[Order, ...]
    next: str | None


# Events: counter-api and the stations over the broker


class ItemToMake(Document):
    id: str
    itemType: ItemType
    name: str


class StationOrdered(Document):
    """`barista_order_placed`, `kitchen_order_placed`: these items are wanted before `expiresAt`.
    `barista_order_cancelled`, `kitchen_order_cancelled`: they are not wanted any more."""

    version: Literal[1] = 1
    orderId: OrderId
    expiresAt: datetime
    items: tuple[ItemToMake, ...]


class MadeItem(Document):
    """What a station says of one item. Each making draws a `makeId` of its own (W6)."""

    id: str
    itemType: ItemType
    name: str
    status: ItemStatus
    reason: str | None
    makeId: str | None


class StationAnswered(Document):
    """`barista_order_updated`, `kitchen_order_updated`: the station's report on an order. Of two
    reports the one with the higher `sequence` is newer; nothing follows a `final` one (W7)."""

    version: Literal[1] = 1
    orderId: OrderId
    station: Station
    sequence: int = Field(default=1, ge=0)
    final: bool = True
    items: tuple[MadeItem, ...]
    answeredAt: datetime


class CloudEvent(Document):
    """What the sidecar delivers (CloudEvents 1.0); `data` is the event that was published."""

    data: Any = None


class BulkEntry(Document):
    entryId: str
    event: CloudEvent


class Delivery(CloudEvent):
    """A CloudEvent, or, with `entries`, several of them (Dapr's bulk subscription)."""

    entries: tuple[BulkEntry, ...] | None = None


class BulkStatus(Document):
    entryId: str
    status: str


class BulkStatuses(Document):
    """What is to become of each event of a bulk delivery: SUCCESS, RETRY or DROP."""

    statuses: tuple[BulkStatus, ...]


# Stations: staff


class Unavailable(Document):
    itemType: ItemType
    since: datetime


class UnavailableList(Document):
    items: tuple[Unavailable, ...]


# Errors


class FieldError(Document):
    field: str
    message: str


class ProblemDetails(Document):
    """RFC 9457, with the offending fields of a request that could not be accepted."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: tuple[FieldError, ...] | None = None

    def to_json(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()
