"""A station's tickets in pages: open ones oldest first, closed ones newest first."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.index import SEGMENTS
from coffeeshop.index_reader import Cursor, IndexReader
from coffeeshop.pages import NEWEST, IndexPages, Page
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from coffeeshop.tickets import Ticket
from station.board import BATCH_SIZE, TICKETS, find_tickets, oldest_first, place
from station.desk import Desk

LOOKS = 10
"""How often one page looks at entries."""


class Listing:
    def __init__(self, station: Station, env: Environment, desk: Desk) -> None:
        self._env = env
        self._desk = desk
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._pages = IndexPages(
            IndexReader(Store(sidecar, f"{station}-store", SEGMENTS)),
            partial(find_tickets, desk.tickets),
            lambda ticket: ticket.acceptedAt,
        )

    async def all_open(self) -> list[Ticket]:
        """Oldest first. Raises `ServiceUnavailable`."""
        found = await self._desk.open.read(self._env.clock())
        return oldest_first(ticket for ticket in found if not ticket.final)

    async def open(self, cursor: Cursor | None, count: int) -> Page[Ticket]:
        """Raises `ServiceUnavailable`."""
        found = await self.all_open()
        if cursor is not None:
            found = [ticket for ticket in found if place(ticket) > cursor.limit]
        page = found[:count]
        return Page(page, Cursor(place(page[-1])) if len(found) > count else None)

    async def board(self, count: int) -> Page[Ticket]:
        """The oldest open tickets, and the newest of those that have just ended. Raises
        `ServiceUnavailable`."""
        found = await self._desk.open.read(self._env.clock())
        still_open = oldest_first(ticket for ticket in found if not ticket.final)
        ended = sorted(
            (ticket for ticket in found if ticket.final), key=lambda each: each.answeredAt
        )
        next_ = Cursor(place(still_open[count - 1])) if len(still_open) > count else None
        return Page([*still_open[:count], *ended[-count:]], next_)

    async def closed(self, cursor: Cursor | None, count: int) -> Page[Ticket]:
        """Those that were taken up last come first: `count` of them, unless there are fewer among
        the thousand that a page looks at. Raises `UnknownCursor` and `ServiceUnavailable`."""
        return await self._newest(cursor or NEWEST, count, lambda ticket: ticket.final)

    async def taken_up(self, since: datetime, most: int) -> list[Ticket]:
        """The newest tickets that were taken up since then. Raises `ServiceUnavailable`."""
        found: list[Ticket] = []
        cursor: Cursor | None = NEWEST
        while cursor is not None and len(found) < most:
            page = await self._newest(cursor, BATCH_SIZE, lambda _: True)
            recent = [t for t in page.documents if t.acceptedAt and t.acceptedAt >= since]
            found += recent
            cursor = page.next if len(recent) == len(page.documents) else None
        return found[:most]

    async def _newest(
        self, cursor: Cursor, count: int, is_wanted: Callable[[Ticket], bool]
    ) -> Page[Ticket]:
        return await self._pages.page(
            TICKETS, cursor, count, is_wanted, size=BATCH_SIZE, reads=(LOOKS, LOOKS)
        )
