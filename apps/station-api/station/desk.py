"""A station's tickets in its store: put up for staff, changed under their ETag, reported.

T1 to T9 are rules of docs/workflow.md.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from pydantic import TypeAdapter

from coffeeshop.contracts import ItemStatus, Station
from coffeeshop.environment import Environment
from coffeeshop.index import SEGMENTS, Entry, Indexes, milliseconds
from coffeeshop.logs import Log, Trace
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from coffeeshop.tickets import Ticket, TicketItem
from coffeeshop.topics import UPDATED, publish
from coffeeshop.transport import ServiceUnavailable
from station.board import TICKETS, OpenTickets, ticket_key
from station.tickets import report

TICKET_DOCUMENTS = TypeAdapter(Ticket)
INDEX_BUDGET = timedelta(seconds=2)
"""Within which a ticket's index entry is tried. Else the order comes again."""


class NoTicket(Exception):
    """The station has no ticket of this order."""


class Desk:
    def __init__(self, station: Station, env: Environment, log: Log) -> None:
        self._station = station
        self._env = env
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        store = f"{station}-store"
        self.tickets = Store(self._sidecar, store, TICKET_DOCUMENTS)
        self.open = OpenTickets(self._sidecar, store, self.tickets)
        self._indexes = Indexes(Store(self._sidecar, store, SEGMENTS), env.choose)

    async def put_up(self, tickets: Iterable[Ticket]) -> None:
        """Add the tickets that staff take up to the index, before they are saved (T1). Raises
        `ServiceUnavailable` if that is not confirmed."""
        until = self._env.clock() + INDEX_BUDGET
        entries = [
            Entry(milliseconds(ticket.acceptedAt), ticket.orderId)
            for ticket in tickets
            if ticket.acceptedAt is not None
        ]
        await self._indexes.add_all(TICKETS, entries, lambda: self._env.clock() < until)

    async def change(self, order_id: str, change: Callable[[Ticket], Ticket]) -> Ticket:
        """Load, apply, save under the ETag, and again where somebody was faster (T3). Returns the
        ticket as it is then. Raises `NoTicket`, `ServiceUnavailable` and what `change` raises."""

        def change_stored(ticket: Ticket | None) -> Ticket:
            if ticket is None:
                raise NoTicket
            return change(ticket)

        key = ticket_key(order_id)
        before, after = await self.tickets.change(key, change_stored, self._env.jitter)
        if before is None or after is None:
            raise NoTicket
        self._log_changes(before, after)
        return after

    async def change_known(self, order_id: str, change: Callable[[Ticket], Ticket]) -> Ticket:
        """`change` of a ticket that was read before. Raises `ServiceUnavailable` and what `change`
        raises."""
        try:
            return await self.change(order_id, change)
        except NoTicket:
            raise ServiceUnavailable("A ticket that was read is not there any more.") from None

    async def report(
        self, tickets: Iterable[Ticket], traces: Mapping[str, Trace] | None = None
    ) -> None:
        """Publish the tickets as they are. `traces`, by order id, are those of tickets that belong
        to another trace than the request. Raises `ServiceUnavailable`."""
        now, reports = self._env.clock(), map(report, tickets)
        await publish(self._sidecar, UPDATED, self._station, reports, now, traces)

    async def try_to_report(self, tickets: Iterable[Ticket]) -> None:
        """Of what staff did: it is saved, and that is what they are told. A report that is lost
        comes with the counter's next reminder (T6)."""
        try:
            await self.report(tickets)
        except ServiceUnavailable as error:
            self._log("report.unconfirmed", level="warning", cause=str(error))

    def log_decided(self, ticket: Ticket) -> None:
        for item in ticket.items:
            self._log_item(ticket, item)

    def _log_changes(self, before: Ticket, after: Ticket) -> None:
        for old, new in zip(before.items, after.items, strict=True):
            if old is not new:
                self._log_item(after, new)

    def _log_item(self, ticket: Ticket, item: TicketItem) -> None:
        log, of_item = self._log, {"orderId": ticket.orderId, "item": item.name}
        if item.status is ItemStatus.READY:
            log("item.made", **of_item, makeId=item.makeId)
        elif item.status is ItemStatus.FAILED:
            # In their own words staff may name somebody.
            reason = item.reason if item.endedBy is None else None
            log("item.failed", **of_item, makeId=item.makeId, reason=reason)
        elif item.status is ItemStatus.STARTED:
            log("item.started", **of_item, makeId=item.makeId)
        elif item.status is ItemStatus.CANCELLED:
            log("item.cancelled", **of_item)
        else:
            log("item.queued", **of_item)
