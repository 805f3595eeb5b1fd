"""A station's tickets in pages: open ones oldest first, closed ones newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.index import SEGMENTS, Entry, milliseconds
from coffeeshop.index_reader import Cursor, IndexReader
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from coffeeshop.tickets import Ticket
from station.board import TICKETS, oldest_first, place, ticket_key
from station.desk import Desk

NEWEST = Cursor(Entry(10**15 - 1, ""))
"""Above every entry, also of a clock that was days ahead."""
LOOKS = 10
"""How often one page looks at entries."""
BATCH_SIZE = 100
"""Entries that are looked at together."""


@dataclass(frozen=True, slots=True)
class Page:
    tickets: list[Ticket]
    next: Cursor | None


class Listing:
    def __init__(self, station: Station, env: Environment, desk: Desk) -> None:
        self._env = env
        self._desk = desk
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._index = IndexReader(Store(sidecar, f"{station}-store", SEGMENTS))

    async def all_open(self) -> list[Ticket]:
        """Oldest first. Raises `ServiceUnavailable`."""
        found = await self._desk.open.read(self._env.clock())
        return oldest_first(ticket for ticket in found if not ticket.final)

    async def open(self, cursor: Cursor | None, count: int) -> Page:
        """Raises `ServiceUnavailable`."""
        found = await self.all_open()
        if cursor is not None:
            found = [ticket for ticket in found if place(ticket) > cursor.limit]
        page = found[:count]
        return Page(page, Cursor(place(page[-1])) if len(found) > count else None)

    async def board(self, count: int) -> Page:
        """The oldest open tickets, and the newest of those that have just ended. Raises
        `ServiceUnavailable`."""
        found = await self._desk.open.read(self._env.clock())
        still_open = oldest_first(ticket for ticket in found if not ticket.final)
        ended = sorted(
            (ticket for ticket in found if ticket.final), key=lambda each: each.answeredAt
        )
        next_ = Cursor(place(still_open[count - 1])) if len(still_open) > count else None
        return Page([*still_open[:count], *ended[-count:]], next_)

    async def closed(self, cursor: Cursor | None, count: int) -> Page:
        """Those that were taken up last come first: `count` of them, unless there are fewer among
        the thousand that a page looks at. Raises `UnknownCursor` and `ServiceUnavailable`."""
        return await self._newest(cursor or NEWEST, count, lambda ticket: ticket.final)

    async def taken_up(self, since: datetime, most: int) -> list[Ticket]:
        """The newest tickets that were taken up since then. Raises `ServiceUnavailable`."""
        found: list[Ticket] = []
        cursor: Cursor | None = NEWEST
        while cursor is not None and len(found) < most:
            page = await self._newest(cursor, BATCH_SIZE, lambda _: True)
            recent = [t for t in page.tickets if t.acceptedAt and t.acceptedAt >= since]
            found += recent
            cursor = page.next if len(recent) == len(page.tickets) else None
        return found[:most]

    async def _newest(
        self, cursor: Cursor, count: int, is_wanted: Callable[[Ticket], bool]
    ) -> Page:
        tickets: list[Ticket] = []
        for _ in range(LOOKS):
            found = await self._index.before(TICKETS, cursor, BATCH_SIZE)
            batch, rest = found.entries[:BATCH_SIZE], len(found.entries) > BATCH_SIZE
            stored = await self._desk.tickets.get_many([ticket_key(entry.id) for entry in batch])
            for entry in batch:
                known = stored.get(ticket_key(entry.id))
                if known is None or not _is_of(known.value, entry) or not is_wanted(known.value):
                    continue
                tickets.append(known.value)
                if len(tickets) == count:
                    is_last = entry == batch[-1] and found.is_all and not rest
                    return Page(tickets, None if is_last else found.after(entry))
            if found.is_all and not rest:
                return Page(tickets, None)
            cursor = found.after(batch[-1])
        return Page(tickets, cursor)


def _is_of(ticket: Ticket, entry: Entry) -> bool:
    """Whether it is the ticket's own entry: one that was tried twice has two."""
    return ticket.acceptedAt is not None and milliseconds(ticket.acceptedAt) == entry.at
