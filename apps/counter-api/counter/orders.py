"""Reading orders: each document under its key, and the reports laid over the order."""

import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol

from pydantic import Discriminator, TypeAdapter

from coffeeshop.contracts import Station
from coffeeshop.index import Index
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store, Stored
from coffeeshop.transport import ServiceUnavailable
from counter.documents import Cancellation, Collection, Order, OrderDocument, Report, Reports
from counter.estimate import PACES, Paces, estimate, learned
from counter.view import OrderView, view

STORE = "counter-store"
ALL_ORDERS = Index("all", 32)
"""Of all orders. The sweep watches it."""
CUSTOMER_SHARDS = 4


def _upgraded(document: Any) -> Any:
    """An order as earlier releases stored it, with its status and its items' in itself, in today's
    form: one that had ended is settled. The sweep sees one that was open through."""
    if not isinstance(document, dict) or "history" not in document:
        return document
    if document["status"] not in ("FULFILLED", "FAILED"):
        return document
    at = document["updated_at"]
    by_station: dict[str, list[Any]] = {}
    for item in document["items"]:
        by_station.setdefault(item["station"], []).append(item)
    settled = [
        {
            "station": station,
            "sequence": 1,
            "final": True,
            "items": by_station[station],
            "first_at": at,
            "recorded_at": at,
        }
        for station in sorted(by_station)
    ]
    return document | {"settled": settled}


class _Records:
    """What is under an order's id. Only what an earlier release stored is looked into before it is
    parsed: a validator in Python would have every document made twice."""

    _documents: TypeAdapter[OrderDocument] = TypeAdapter(
        Annotated[OrderDocument, Discriminator("kind")]
    )

    def validate_json(self, data: bytes) -> OrderDocument:
        if b'"history":' in data:
            return self.validate_python(json.loads(data))
        return self._documents.validate_json(data)

    def validate_python(self, document: Any) -> OrderDocument:
        return self._documents.validate_python(_upgraded(document))

    def dump_json(self, record: OrderDocument) -> bytes:
        return self._documents.dump_json(record)


_REPORTS = TypeAdapter(Report)
_CANCELLATIONS = TypeAdapter(Cancellation)
_COLLECTIONS = TypeAdapter(Collection)
_PACES = TypeAdapter(Paces)


def report_key(order_id: str, station: Station) -> str:
    """The key of a station's latest report."""
    return f"report-{order_id}-{station}"


def cancellation_key(order_id: str) -> str:
    """The key of a requested cancellation."""
    return f"cancel-{order_id}"


def collection_key(order_id: str) -> str:
    """The key of what says that an order was collected."""
    return f"collected-{order_id}"


def customer_index(secret: bytes, identity: str) -> Index:
    """The index of one customer's orders. Its keys hold an HMAC, not the identity."""
    digest = hmac.digest(secret, f"customer\n{identity}".encode(), "sha256").hex()
    return Index(f"customer-{digest}", CUSTOMER_SHARDS)


class Waiting(Protocol):
    """An order that waits for these stations, and when it was placed."""

    @property
    def at(self) -> int: ...

    @property
    def waits(self) -> tuple[Station, ...]: ...


class Orders:
    """The documents of orders. An order's record is under its id alone."""

    def __init__(self, sidecar: Sidecar, clock: Callable[[], datetime] | None = None) -> None:
        """`clock`: where open orders shall have an estimate."""
        self._clock = clock
        self.paces = Store(sidecar, STORE, _PACES)
        self.records = Store(sidecar, STORE, _Records())
        self.reports = Store(sidecar, STORE, _REPORTS)
        self.cancellations = Store(sidecar, STORE, _CANCELLATIONS)
        self.collections = Store(sidecar, STORE, _COLLECTIONS)

    async def find(self, order_id: str) -> OrderView | None:
        """The order as the public sees it, or None: a tombstone is no order. Raises
        `ServiceUnavailable`."""
        stored = await self.records.get(order_id)
        if stored is None or not isinstance(stored.value, Order):
            return None
        return await self.view(stored.value)

    async def view(self, order: Order) -> OrderView:
        """The order with its reports. Raises `ServiceUnavailable`."""
        if order.settled is not None:
            return view(order, {})
        (seen,) = await self._views([order])
        return seen

    async def find_many(self, ids: Sequence[str]) -> dict[str, OrderView]:
        """Those of the orders that exist. Raises `ServiceUnavailable`."""
        records = await self.records.get_many(ids)
        orders = [r.value for r in records.values() if isinstance(r.value, Order)]
        return {seen.order.id: seen for seen in await self._views(orders)}

    async def _views(self, orders: Iterable[Order]) -> list[OrderView]:
        found = list(orders)
        unsettled = [order for order in found if order.settled is None]
        if self._clock is None or not unsettled:
            reports = await self.reports_of(unsettled)
            return [view(order, reports.get(order.id, {})) for order in found]
        keys = _report_keys(unsettled)
        stored, paces = await self.reports.get_with(list(keys), self.paces, [PACES])
        known = paces[PACES].value if PACES in paces else Paces()
        reports, now = _by_order(keys, stored), self._clock()
        return [view(o, reports.get(o.id, {}), _estimate(o, reports, known, now)) for o in found]

    async def with_reports(
        self, ids: Sequence[str]
    ) -> tuple[dict[str, Stored[OrderDocument]], dict[str, Reports]]:
        """What stands under the ids, and of what is not settled the reports. Raises
        `ServiceUnavailable`."""
        records = await self.records.get_many(ids)
        found = (stored.value for stored in records.values())
        unsettled = [r for r in found if isinstance(r, Order) and r.settled is None]
        return records, await self.reports_of(unsettled)

    async def reports_of(self, orders: Sequence[Order]) -> dict[str, Reports]:
        """By order id the reports that exist. Raises `ServiceUnavailable`."""
        keys = _report_keys(orders)
        return _by_order(keys, await self.reports.get_many(list(keys)))

    async def learn(
        self,
        ended: Sequence[Order],
        waiting: Iterable[Waiting],
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        """Remember what these orders tell of their stations. What is not confirmed is lost: the
        next ones tell as much."""
        still_open = [(each.at, each.waits) for each in waiting]

        def learn(before: Paces | None) -> Paces:
            return learned(before or Paces(), ended, still_open)

        with contextlib.suppress(ServiceUnavailable):
            await self.paces.change(PACES, learn, pause)


def _report_keys(orders: Iterable[Order]) -> dict[str, tuple[str, Station]]:
    """The keys of the orders' reports: of which order each one is, and of which station."""
    return {report_key(o.id, s): (o.id, s) for o in orders for s in o.stations}


def _by_order(
    keys: Mapping[str, tuple[str, Station]], stored: Mapping[str, Stored[Report]]
) -> dict[str, Reports]:
    found: dict[str, dict[Station, Report]] = {order_id: {} for order_id, _ in keys.values()}
    for key, (order_id, station) in keys.items():
        if key in stored:
            found[order_id][station] = stored[key].value
    return dict(found)


def _estimate(
    order: Order, reports: Mapping[str, Reports], paces: Paces, now: datetime
) -> int | None:
    if order.settled is not None:
        return None
    return estimate(order, reports.get(order.id, {}), paces, now)
