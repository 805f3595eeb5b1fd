"""What staff ask of their station, and what they say: HTTP in, tickets, HTTP out.

T1 to T9 are rules of docs/workflow.md.
"""

from collections.abc import Callable

from coffeeshop import parameters, paths
from coffeeshop.conditions import if_match
from coffeeshop.contracts import ItemStatus, Station
from coffeeshop.environment import Environment
from coffeeshop.files import not_modified
from coffeeshop.http import Problem, Request, Response, invalid_fields
from coffeeshop.index_reader import UnknownCursor
from coffeeshop.live import Snapshot, check_stream_limit, events, latest
from coffeeshop.logs import Log
from coffeeshop.operation import JSON, STREAM, Answer, Operation, Parameter
from coffeeshop.pages import Page
from coffeeshop.responses import FieldError
from coffeeshop.tickets import (
    IF_MATCH,
    STATE,
    STATES,
    AgeLimits,
    CloseDay,
    DayClosed,
    FailTap,
    Tap,
    Ticket,
    TicketPage,
    Times,
)
from station.board import ticket_key
from station.desk import Desk, NoTicket
from station.ids import make_id
from station.listing import Listing
from station.tickets import Action, Refused, UnknownItem, close, etag, repeats, tapped
from station.times import DAY, MOST, times

PAUSE = 1.0
"""Seconds between two looks at the tickets that are followed."""
CLOSED_AT_ONCE = 100
"""Tickets that one request ends."""

_LIMIT = parameters.limit_of("Tickets")
_TICKET = (
    Answer(200, "The ticket as it is then", Ticket, JSON, ("etag",)),
    Answer(412, "Somebody was faster: the ticket as it is", Ticket, JSON, ("etag",)),
)


class TicketApi:
    """Staff's requests. Each of them can be repeated: what was done stays done, once."""

    def __init__(self, station: Station, env: Environment, log: Log, desk: Desk) -> None:
        self._station = station
        self._env = env
        self._log = log
        self._desk = desk
        self._listing = Listing(station, env, desk)

    @Operation(
        "listTickets",
        "The tickets that staff have taken up: open ones oldest first, closed ones newest first; "
        "current are the open ones and those that ended in the last minute, without a cursor",
        (Answer(200, "A page of tickets", TicketPage, JSON),),
        problems=(422, 503),
        parameters=(
            STATE,
            _LIMIT,
            parameters.CURSOR,
        ),
    )
    async def list_tickets(self, request: Request) -> Response:
        query = request.query()
        state = parameters.choice(query, "state", STATES)
        cursor, limit = parameters.cursor(query), parameters.limit(query)
        try:
            if state == "open":
                page = await self._listing.open(cursor, limit)
            elif state == "current":
                page = await self._listing.board(limit)
            else:
                page = await self._listing.closed(cursor, limit)
        except UnknownCursor:
            raise parameters.unknown_cursor() from None
        return Response(200, self._page(tuple(map(Ticket.to_json, page.documents)), page))

    @Operation(
        "followTickets",
        "The open tickets as they change, oldest first, and those that ended in the last minute: "
        "server-sent events, each one a page",
        (
            Answer(
                200, "A stream of pages, for a minute or 256 KB: then connect again", None, STREAM
            ),
        ),
        problems=(422, 503),
        parameters=(
            _LIMIT,
            Parameter(
                "changes",
                {"type": "boolean", "default": False},
                "After the first page only the tickets that are new or changed",
            ),
        ),
    )
    async def follow_tickets(self, request: Request) -> Response:
        query = request.query()
        limit = parameters.limit(query)
        changes = self._changes if parameters.flag(query, "changes") else None
        check_stream_limit()

        async def read() -> Snapshot:
            page = await self._listing.board(limit)
            tickets = tuple(map(Ticket.to_json, page.documents))
            return Snapshot(self._page(tickets, page), False, tickets)

        followed = f"tickets of {self._station} {limit}"
        first = await latest(followed, read)
        return events(self._env, self._log, first, read, PAUSE, key=followed, changes=changes)

    def _changes(self, tickets: tuple[bytes, ...]) -> bytes:
        return self._page(tickets, Page([], None))

    def _page(self, tickets: tuple[bytes, ...], page: Page[Ticket]) -> bytes:
        """A `TicketPage` of tickets that are written already."""
        settings = self._env.settings
        limits = AgeLimits(
            slow=int(settings.ticket_slow_seconds), late=int(settings.ticket_late_seconds)
        )
        cursor = page.next and parameters.encoded(page.next)
        rest = TicketPage(tickets=(), next=cursor, limits=limits, byStaff=settings.is_staffed)
        return rest.with_written(tickets)

    @Operation(
        "getTicket",
        "One ticket",
        (
            Answer(200, "The ticket", Ticket, JSON, ("etag",)),
            Answer(304, "As it was", headers=("etag",)),
        ),
        problems=(404, 503),
    )
    async def get_ticket(self, request: Request) -> Response:
        stored = await self._desk.tickets.get(ticket_key(paths.order_id(request)))
        if stored is None:
            raise self._no_ticket()
        return not_modified(request, etag(stored.value)) or _ticket(200, stored.value)

    @Operation(
        "startTicket",
        "Begin with items, or with all of the ticket",
        _TICKET,
        problems=(404, 409, 422, 503),
        parameters=(IF_MATCH,),
        body=Tap,
    )
    async def start(self, request: Request) -> Response:
        return await self._tap(request, await request.json(Tap), ItemStatus.STARTED)

    @Operation(
        "readyTicket",
        "Items that were started are ready, or all of the ticket",
        _TICKET,
        problems=(404, 409, 422, 503),
        parameters=(IF_MATCH,),
        body=Tap,
    )
    async def ready(self, request: Request) -> Response:
        return await self._tap(request, await request.json(Tap), ItemStatus.READY)

    @Operation(
        "failTicket",
        "Items cannot be made, or what is open of the ticket",
        _TICKET,
        problems=(404, 409, 422, 503),
        parameters=(IF_MATCH,),
        body=FailTap,
    )
    async def fail(self, request: Request) -> Response:
        tap = await request.json(FailTap)
        return await self._tap(request, tap, ItemStatus.FAILED, tap.reason)

    async def _tap(
        self, request: Request, tap: Tap, to: ItemStatus, reason: str | None = None
    ) -> Response:
        """Save what somebody did, report it, and tell how the ticket is then."""
        action = Action(to, tap.by, tap.items, reason)
        seen = _matches(request)
        before: list[Ticket] = []

        def change(ticket: Ticket) -> Ticket:
            before[:] = [ticket]
            # T5: who repeats a tap whose answer was lost has seen a version from before it.
            if not seen(ticket) and not repeats(ticket, action):
                raise _Stale(ticket)
            return tapped(ticket, action, self._env.clock(), self._make_id)

        try:
            ticket = await self._desk.change(paths.order_id(request), change)
        except NoTicket:
            raise self._no_ticket() from None
        except _Stale as stale:
            return _ticket(412, stale.ticket)
        except Refused as refused:
            raise Problem(409, str(refused)) from None
        except UnknownItem:
            message = "must be ids of items of this ticket"
            raise invalid_fields([FieldError(field="items", message=message)]) from None
        if ticket is not before[0]:
            await self._desk.try_to_report([ticket])
        return _ticket(200, ticket)

    @Operation(
        "closeDay",
        "End every open ticket: what is not ready could not be made, for this reason",
        (Answer(200, "How many were ended, and are still open", DayClosed, JSON),),
        problems=(503,),
        body=CloseDay,
    )
    async def close_day(self, request: Request) -> Response:
        command = await request.json(CloseDay)
        found = await self._listing.all_open()
        ended = [
            await self._desk.change_known(
                ticket.orderId,
                lambda each: close(each, command.by, command.reason, self._env.clock()),
            )
            for ticket in found[:CLOSED_AT_ONCE]
        ]
        await self._desk.try_to_report(ended)
        told = DayClosed(ended=len(ended), open=len(found) - len(ended))
        return Response(200, told.to_json())

    @Operation(
        "getTimes",
        "How long tickets took from placed to started to ready, of the newest 500",
        (Answer(200, "The times", Times, JSON),),
        problems=(422, 503),
        parameters=(
            Parameter(
                "since",
                {"type": "string", "format": "date-time"},
                "Only tickets that were taken up since then; by default in the last 24 hours",
            ),
        ),
    )
    async def get_times(self, request: Request) -> Response:
        since = parameters.time(request.query(), "since") or self._env.clock() - DAY
        found = await self._listing.taken_up(since, MOST)
        return Response(200, times(found, since).to_json())

    def _make_id(self) -> str:
        return make_id(self._env)

    def _no_ticket(self) -> Problem:
        return Problem(404, f"The {self._station} has no ticket of this order.")


class _Stale(Exception):
    """The caller has seen another version."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self.ticket = ticket


def _matches(request: Request) -> Callable[[Ticket], bool]:
    """Whether a ticket is what the caller has seen, as `If-Match` says it."""
    tags = if_match(request)
    return lambda ticket: tags is None or "*" in tags or etag(ticket) in tags


def _ticket(status: int, ticket: Ticket) -> Response:
    return Response(status, ticket.to_json(), headers=(("etag", etag(ticket)),))
