"""The documents of an order, as they are stored. Which rules they follow: docs/workflow.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from coffeeshop.contracts import ItemStatus, Station


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
    number: int | None = None
    """What it is called out by (`counter.numbers`). None in what earlier releases stored."""
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


@dataclass(frozen=True, slots=True)
class Collection:
    """The order was handed over to its customer. Written once, by staff."""

    collected_at: datetime


OrderDocument = Order | Tombstone
Reports = Mapping[Station, Report]
