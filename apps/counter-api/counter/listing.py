"""Pages of orders, newest first: of one customer, or of all."""

from coffeeshop.environment import Environment
from coffeeshop.index import SEGMENTS
from coffeeshop.index_reader import Cursor, IndexReader
from coffeeshop.pages import NEWEST, IndexPages, Page
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from counter.orders import ALL_ORDERS, STORE, Orders, customer_index
from counter.view import OrderView

MIN_READS, MAX_READS = 12, 60
"""How often one page looks at entries: with something to show, and with nothing yet."""
FILTERED = 100
"""Entries that are looked at together where a status is wanted: most may be left out."""


class Listing:
    def __init__(self, sidecar: Sidecar, env: Environment) -> None:
        self._secret = env.settings.id_secret.encode()
        self._pages = IndexPages(
            IndexReader(Store(sidecar, STORE, SEGMENTS)),
            Orders(sidecar, env.clock).find_many,
            lambda seen: seen.order.placed_at,
        )

    async def page(
        self, cursor: Cursor | None, count: int, *, customer: str | None, status: str | None
    ) -> Page[OrderView]:
        """Up to `count` orders: none at all only on the last page, or where none was found among
        the 6,000 that a page looks at. Raises `UnknownCursor` and `ServiceUnavailable`."""

        def is_wanted(seen: OrderView) -> bool:
            # A key that was used for another customer leaves an entry of a foreign order.
            is_theirs = customer in (None, seen.order.loyalty_member_id)
            return is_theirs and status in (None, seen.status)

        return await self._pages.page(
            ALL_ORDERS if customer is None else customer_index(self._secret, customer),
            cursor or NEWEST,
            count,
            is_wanted,
            size=count if status is None else max(count, FILTERED),
            reads=(MIN_READS, MAX_READS),
        )
