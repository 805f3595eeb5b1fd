"""What the stores and the streams hold, read with Valkey's own protocol."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import valkey
from pydantic import TypeAdapter

from counter.documents import Order, OrderDocument, Report, Tombstone
from counter.orders import report_key
from counter.view import OrderView, view
from scripts.stack.supervise import Stack

COUNTER, STATIONS = 1, {"barista": 2, "kitchen": 3}
"""The stores' databases."""

Json = dict[str, Any]

_RECORDS: TypeAdapter[OrderDocument] = TypeAdapter(OrderDocument)
_REPORTS = TypeAdapter(Report)
_PREFIX = "counter-api||"
_ORDER_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class StoreReader:
    """The stores of counter-api and of the stations, and the topics."""

    def __init__(self, stack: Stack) -> None:
        self._port = stack.ports.valkey
        self._password = stack.secrets["valkey_password"]

    def database(self, number: int) -> "valkey.Valkey":
        return valkey.Valkey(
            port=self._port,
            db=number,
            password=self._password,
            decode_responses=True,
            socket_timeout=10,
        )

    # counter-api's store

    def documents(self, ids: Iterable[str]) -> dict[str, OrderDocument]:
        """Orders and tombstones by their ids."""
        found = self._documents(COUNTER, _PREFIX, ids)
        return {key: _RECORDS.validate_json(text) for key, text in found}

    def views(self, ids: Iterable[str]) -> dict[str, OrderView]:
        """The orders as the public sees them, whether they are settled or not."""
        orders = {k: o for k, o in self.documents(ids).items() if isinstance(o, Order)}
        keys = {report_key(o.id, s): (o.id, s) for o in orders.values() for s in o.stations}
        reports: dict[str, dict[Any, Report]] = {order_id: {} for order_id in orders}
        for key, text in self._documents(COUNTER, _PREFIX, keys):
            order_id, station = keys[key]
            reports[order_id][station] = _REPORTS.validate_json(text)
        return {k: _unsettled(view(order, reports[k])) for k, order in orders.items()}

    def status(self, order_id: str) -> str:
        """The order's status, "abandoned", or "" where there is nothing."""
        record = self.documents([order_id]).get(order_id)
        if isinstance(record, Tombstone):
            return "abandoned"
        seen = self.views([order_id])
        return str(seen[order_id].status) if seen else ""

    def count(self) -> int:
        """Of all orders and tombstones."""
        return sum(1 for _ in self._order_ids())

    def unsettled(self) -> list[str]:
        """The orders that no sweep has settled yet, and those that it still looks at."""
        records = self.documents(self._order_ids())
        found = [k for k, o in records.items() if isinstance(o, Order) and o.settled is None]
        watch = dict(self._documents(COUNTER, _PREFIX, ["watch"]))
        remembered = json.loads(watch["watch"])["open"] if watch else []
        return found or [entry["id"] for entry in remembered]

    def not_indexed(self) -> list[str]:
        """The orders that are in no segment of the index of all orders."""
        keys = [k.removeprefix(_PREFIX) for k in self._keys(COUNTER, f"{_PREFIX}all-*")]
        segments = [json.loads(text) for _, text in self._documents(COUNTER, _PREFIX, keys)]
        indexed = {order_id for each in segments for _, order_id in each["entries"]}
        records = self.documents(self._order_ids())
        return [k for k, o in records.items() if isinstance(o, Order) and k not in indexed]

    def _order_ids(self) -> Iterator[str]:
        for key in self._keys(COUNTER, f"{_PREFIX}*"):
            name = key.removeprefix(_PREFIX)
            if _ORDER_KEY.fullmatch(name):
                yield name

    # The stations' stores, and the topics

    def records(self, station: str) -> dict[str, Json]:
        """All of a station's records by order id."""
        prefix = f"{station}-api||order-"
        ids = [key.removeprefix(prefix) for key in self._keys(STATIONS[station], f"{prefix}*")]
        found = self._documents(STATIONS[station], prefix, ids)
        return {key: json.loads(text) for key, text in found}

    def events(self, topic: str) -> list[Json]:
        """The data of every event of the topic; of one that is none, whatever was published."""
        entries: Any = self.database(0).xrange(topic)
        return [json.loads(entry["data"])["data"] for _, entry in entries]

    def _keys(self, database: int, pattern: str) -> list[str]:
        return list(self.database(database).scan_iter(pattern, 1000))

    def _documents(
        self, database: int, prefix: str, ids: Iterable[str]
    ) -> Iterable[tuple[str, str]]:
        wanted = list(ids)
        pipe = self.database(database).pipeline(transaction=False)
        for order_id in wanted:
            pipe.hget(prefix + order_id, "data")
        found: list[str | None] = pipe.execute()  # type: ignore[no-untyped-call] # valkey's own
        for order_id, text in zip(wanted, found, strict=True):
            if text is not None:
                yield order_id, text


def _unsettled(seen: OrderView) -> OrderView:
    """Settling an order changes nothing of what the public sees of it."""
    return replace(seen, order=replace(seen.order, settled=None))
