"""Which tickets are open: what the station remembers of its index, so that nobody reads all of it.

It is one document: positions in the index, and the entries before them whose tickets were still
open. Readers keep it: who has seen that tickets ended takes them out. What is taken out has ended,
and what has ended never changes, so that readers cannot harm each other (T2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from coffeeshop.index import SEGMENTS, Entry, Index, Indexes, Position, milliseconds
from coffeeshop.sequences import batches
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Save, Store, Stored
from coffeeshop.tickets import Ticket

TICKETS = Index("tickets", 4)
"""Of all tickets that staff have taken up."""
BOARD = "board"
"""The document's key."""
LINGER = timedelta(minutes=1)
"""How long a ticket that has ended stays: so long a stream tells of it."""
ABSENT_MS = 600_000
"""How long an entry is kept whose ticket is not there. A ticket is created by one call, which is
given up after 1 s: this is far longer than any of it can still be under way."""
BATCH_SIZE = 100
"""Tickets that are read together."""
ROOM = 500
"""Index entries that are read together."""
ROUNDS = 10
"""So often one reader reads as many."""
WORTH = 16
"""So many entries have to be done with before the document is saved."""


@dataclass(frozen=True, slots=True)
class Board:
    """The document."""

    positions: tuple[Position, ...] = ()
    entries: tuple[Entry, ...] = ()


BOARDS = TypeAdapter(Board)


def is_remembered(entry: Entry, ticket: Ticket | None, now: datetime) -> bool:
    """Whether the entry still counts. One whose ticket is not there may be about to get it."""
    if ticket is None:
        return milliseconds(now) - entry.at < ABSENT_MS
    return not ticket.final or now - ticket.answeredAt < LINGER


def placed_at(ticket: Ticket) -> datetime:
    """When the order was placed; for an order that does not say, when staff took it up."""
    return ticket.placedAt or ticket.acceptedAt or ticket.answeredAt


def oldest_first(tickets: Iterable[Ticket]) -> list[Ticket]:
    return sorted(tickets, key=place)


def place(ticket: Ticket) -> Entry:
    """The ticket's place among the open ones."""
    return Entry(milliseconds(placed_at(ticket)), ticket.orderId)


def ticket_key(order_id: str) -> str:
    """The key of an order's ticket."""
    return f"order-{order_id}"


async def find_tickets(tickets: Store[Ticket], ids: Sequence[str]) -> dict[str, Ticket]:
    """Those of the orders' tickets that exist, by order id. Raises `ServiceUnavailable`."""
    found: dict[str, Ticket] = {}
    for some in batches(ids, BATCH_SIZE):
        stored = await tickets.get_many([ticket_key(each) for each in some])
        found |= {each.value.orderId: each.value for each in stored.values()}
    return found


class OpenTickets:
    def __init__(self, sidecar: Sidecar, store: str, tickets: Store[Ticket]) -> None:
        self._tickets = tickets
        self._boards = Store(sidecar, store, BOARDS)
        self._indexes = Indexes(Store(sidecar, store, SEGMENTS), lambda _: 0)

    async def read(self, now: datetime) -> list[Ticket]:
        """The tickets that are open, and those that ended within `LINGER`. Where nobody has looked
        for thousands of tickets, the oldest of them. Raises `ServiceUnavailable`."""
        heads, known = await self._indexes.heads(TICKETS, also_from=self._boards, keys=[BOARD])
        stored = known.get(BOARD)
        board = stored.value if stored else Board()
        new, positions = board.entries, board.positions
        looked_at = 0
        kept: dict[str, Entry] = {}
        found: dict[str, Ticket] = {}
        for _ in range(ROUNDS):
            added, positions = await self._indexes.since(TICKETS, positions, heads, ROOM)
            # A ticket that was tried twice has two entries: the later one counts.
            entries = {entry.id: entry for entry in sorted((*new, *added))}
            found |= await find_tickets(self._tickets, list(entries))
            kept |= {
                each.id: each
                for each in entries.values()
                if is_remembered(each, found.get(each.id), now)
            }
            looked_at += len(new) + len(added)
            new = ()
            if not added:
                break
        if looked_at - len(kept) >= WORTH:
            await self._save(Board(positions, tuple(kept.values())), stored)
        return [found[each] for each in kept if each in found]

    async def _save(self, board: Board, stored: Stored[Board] | None) -> None:
        """If another reader was faster, what that one saved is right too."""
        await self._boards.save_all([Save(BOARD, board, stored.etag if stored else None)])
