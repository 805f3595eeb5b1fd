"""Picking up: the orders that customers wait for, by number and name, and those they have.

An order is called out from its placing until it was collected, or until it was ready for some time
(a setting), and never longer than `CALLED`. So no two of them have the same number
(`counter.numbers`).
"""

from collections.abc import Collection as Container
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coffeeshop.contracts import OrderStatus
from coffeeshop.environment import Environment
from coffeeshop.index import REST_MS, SEGMENTS, milliseconds
from coffeeshop.index_reader import IndexReader
from coffeeshop.pages import NEWEST
from coffeeshop.sequences import batches
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from counter.documents import Collection, Order
from counter.orders import ALL_ORDERS, STORE, Orders, collection_key
from counter.sweep_state import SWEEP_STATE_KEY, SWEEP_STATES
from counter.view import OrderView

CALLED = timedelta(milliseconds=REST_MS)
LOOKED_AT = 300
"""The newest orders that are looked at, beside the open ones that the sweep remembers."""
SHOWN = 100
"""Orders in preparation, and ready ones, at most: more than a wall has room for."""
BATCH_SIZE = 100
"""Orders that are read at once."""


class UnknownOrder(Exception):
    """There is no such order."""


class NothingReady(Exception):
    """The order is not ready: there is nothing to hand over."""

    def __init__(self, order: OrderView) -> None:
        super().__init__(order.order.id)
        self.order = order


@dataclass(frozen=True, slots=True)
class Pickup:
    """In preparation the oldest first, of those that are ready the newest first."""

    in_preparation: Sequence[OrderView]
    ready: Sequence[OrderView]


def is_ready(seen: OrderView) -> bool:
    """Whether the order has ended with something to hand over."""
    return seen.status in (OrderStatus.FULFILLED, OrderStatus.PARTIAL)


def pickup(
    seen: Iterable[OrderView], collected: Container[str], now: datetime, time: timedelta
) -> Pickup:
    """What is called out of these orders, where ready ones are called out for so long."""
    called = [each for each in seen if now - each.order.placed_at < CALLED]
    waiting = [each for each in called if not each.is_terminal]
    ready = [
        each
        for each in called
        if is_ready(each) and each.order.id not in collected and now - each.updated_at < time
    ]
    waiting.sort(key=lambda each: (each.order.placed_at, each.order.id))
    ready.sort(key=lambda each: (each.updated_at, each.order.id), reverse=True)
    return Pickup(waiting[:SHOWN], ready[:SHOWN])


class PickupBoard:
    """Looks at what is called out. What it saw for the last time it remembers, for a settled order
    does not change: so a second look reads little."""

    def __init__(self, sidecar: Sidecar, env: Environment) -> None:
        self._env = env
        self._orders = Orders(sidecar, env.clock)
        self._index = IndexReader(Store(sidecar, STORE, SEGMENTS))
        self._states = Store(sidecar, STORE, SWEEP_STATES)
        self._settled: dict[str, OrderView] = {}
        self._collected: set[str] = set()

    async def look(self) -> Pickup:
        """Raises `ServiceUnavailable`."""
        now, time = self._env.clock(), self._env.settings.pickup_time
        ids = await self._candidates(now)
        seen = {key: each for key, each in self._settled.items() if key in ids}
        for some in batches([key for key in ids if key not in seen], BATCH_SIZE):
            seen |= await self._orders.find_many(some)
        self._settled = {k: each for k, each in seen.items() if each.order.settled is not None}
        self._collected &= seen.keys()
        called = pickup(seen.values(), self._collected, now, time)
        keys = {collection_key(each.order.id): each.order.id for each in called.ready}
        found = await self._orders.collections.get_many(list(keys))
        self._collected |= {keys[key] for key in found}
        return pickup(seen.values(), self._collected, now, time)

    async def _candidates(self, now: datetime) -> dict[str, None]:
        """The ids of the newest orders, and of the open ones, oldest first."""
        since = milliseconds(now - CALLED)
        newest = (await self._index.before(ALL_ORDERS, NEWEST, LOOKED_AT)).entries[:LOOKED_AT]
        state = await self._states.get(SWEEP_STATE_KEY)
        still_open = sorted(state.value.open, key=lambda each: each.at) if state else []
        waiting = [each.id for each in still_open if each.at > since][:SHOWN]
        return dict.fromkeys([*waiting, *(each.id for each in newest if each.at > since)])

    async def collect(self, order_id: str) -> Collection:
        """Say that the order was handed over. Raises `UnknownOrder`, `NothingReady` and
        `ServiceUnavailable`."""
        stored = await self._orders.records.get(order_id)
        if stored is None or not isinstance(stored.value, Order):
            raise UnknownOrder
        seen = await self._orders.view(stored.value)
        if not is_ready(seen):
            raise NothingReady(seen)
        collection = Collection(self._env.clock())
        before = await self._orders.collections.create(collection_key(order_id), collection)
        return before.value if before else collection
