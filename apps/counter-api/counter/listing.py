"""Pages of orders, newest first: of one customer, or of all."""

from dataclasses import dataclass

from coffeeshop.environment import Environment
from coffeeshop.index import SEGMENTS, Entry, milliseconds
from coffeeshop.index_reader import Cursor, IndexReader
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from counter.orders import ALL_ORDERS, STORE, Orders, customer_index
from counter.view import OrderView

NEWEST = Cursor(Entry(10**15 - 1, ""))
"""Above every entry, also of orders that were placed while a clock was days ahead."""
MIN_READS, MAX_READS = 12, 60
"""How often one page looks at entries: with something to show, and with nothing yet."""
FILTERED = 100
"""Entries that are looked at together where a status is wanted: most may be left out."""


@dataclass(frozen=True, slots=True)
class Page:
    orders: list[OrderView]
    next: Cursor | None


class Listing:
    def __init__(self, sidecar: Sidecar, env: Environment) -> None:
        self._secret = env.settings.id_secret.encode()
        self._orders = Orders(sidecar, env.clock)
        self._index = IndexReader(Store(sidecar, STORE, SEGMENTS))

    async def page(
        self, cursor: Cursor | None, count: int, *, customer: str | None, status: str | None
    ) -> Page:
        """Up to `count` orders: none at all only on the last page, or where none was found among
        the 6,000 that a page looks at. Raises `UnknownCursor` and `ServiceUnavailable`."""
        index = ALL_ORDERS if customer is None else customer_index(self._secret, customer)
        next_ = cursor or NEWEST
        size = count if status is None else max(count, FILTERED)
        orders: list[OrderView] = []
        for looks in range(1, MAX_READS + 1):
            found = await self._index.before(index, next_, size)
            batch, rest = found.entries[:size], len(found.entries) > size
            views = await self._orders.find_many([entry.id for entry in batch])
            for entry in batch:
                seen = views.get(entry.id)
                if seen is None or not _is_of(seen, found.time_of(entry), customer):
                    continue
                if status in (None, seen.status):
                    orders.append(seen)
                if len(orders) == count:
                    last = entry == batch[-1] and found.is_all and not rest
                    return Page(orders, None if last else found.after(entry))
            if found.is_all and not rest:
                return Page(orders, None)
            next_ = found.after(batch[-1])
            if orders and looks >= MIN_READS:
                break
        return Page(orders, next_)


def _is_of(seen: OrderView, at: int, customer: str | None) -> bool:
    """Whether the entry is the order's own, and the customer's. A repeated request leaves entries
    with other times, and a key that was used for another customer one of a foreign order."""
    own = milliseconds(seen.order.placed_at) == at
    return own and customer in (None, seen.order.loyalty_member_id)
