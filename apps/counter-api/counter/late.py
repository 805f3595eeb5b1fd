"""Orders whose deadline is over and which are still open.

A station that accepted an order is not given up (W10): so such an order is its staff's, however
late. Which orders are open the sweep remembers; the index would have to be read far back.
"""

from itertools import islice

from coffeeshop.environment import Environment
from coffeeshop.index import Entry
from coffeeshop.index_reader import Cursor
from coffeeshop.pages import NEWEST, Page
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from counter.listing import FILTERED, MIN_READS
from counter.orders import STORE, Orders
from counter.sweep_state import SWEEP_STATE_KEY, SWEEP_STATES, batches
from counter.view import OrderView


class LateOrders:
    def __init__(self, sidecar: Sidecar, env: Environment) -> None:
        self._env = env
        self._orders = Orders(sidecar, env.clock)
        self._states = Store(sidecar, STORE, SWEEP_STATES)

    async def page(self, cursor: Cursor | None, count: int, status: str | None) -> Page[OrderView]:
        """Up to `count` late orders, newest first: among the 1,200 at most that a page looks at.
        Raises `ServiceUnavailable`."""
        now = self._env.clock()
        state = await self._states.get(SWEEP_STATE_KEY)
        late = state.value.late(now, self._env.settings.order_deadline) if state else []
        below = (cursor or NEWEST).limit
        entries = sorted(
            (each for each in late if Entry(each.at, each.id) < below),
            key=lambda each: (each.at, each.id),
            reverse=True,
        )
        orders: list[OrderView] = []
        for some in islice(batches(entries), MIN_READS):
            views = await self._orders.find_many([each.id for each in some])
            for each in some:
                below = Entry(each.at, each.id)
                seen = views.get(each.id)
                if seen is None or seen.is_terminal or now <= seen.order.expires_at:
                    continue
                if status in (None, seen.status):
                    orders.append(seen)
                if len(orders) == count:
                    return Page(orders, Cursor(below) if each is not entries[-1] else None)
        return Page(orders, Cursor(below) if len(entries) > MIN_READS * FILTERED else None)
