"""What staff do at their station's screen, handed on to the station: a browser reaches counter-api
alone. The station knows its staff's token, and decides; what it answers is handed back.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from coffeeshop import contracts, parameters, paths, tickets
from coffeeshop.conditions import if_match
from coffeeshop.environment import Environment
from coffeeshop.http import Problem, Request, Response, unauthorized
from coffeeshop.live import Snapshot, check_stream_limit, events, latest
from coffeeshop.logs import Log
from coffeeshop.operation import JSON, STREAM, Answer, Operation
from coffeeshop.sidecar import Sidecar
from coffeeshop.tickets import CloseDay, DayClosed, FailTap, Tap, Ticket, TicketPage, Times
from coffeeshop.transport import Reply, ServiceUnavailable
from counter.clients import AtStation, Products, TooManyRequests, WrongToken

T = TypeVar("T")

PAUSE = 0.5
"""Seconds between two looks at the tickets of a station: who makes something is waited for."""

_LIMIT = parameters.limit_of("Tickets")
_TICKET = (
    Answer(200, "The ticket as it is then", Ticket, JSON, (), ("etag",)),
    Answer(412, "Somebody was faster: the ticket as it is", Ticket, JSON, (), ("etag",)),
)


class Stations:
    def __init__(self, env: Environment, log: Log) -> None:
        self._env = env
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)

    @Operation(
        "listStationTickets",
        "Staff: the tickets of a station",
        (Answer(200, "A page of tickets, as the station lists them", TicketPage, JSON),),
        problems=(404, 422, 429, 503),
        parameters=(
            tickets.STATE,
            _LIMIT,
        ),
    )
    async def list_tickets(self, request: Request) -> Response:
        query = request.query()
        state, limit = parameters.choice(query, "state", tickets.STATES), parameters.limit(query)
        return Response(200, (await self._page(request, state, limit)).to_json())

    @Operation(
        "followStationTickets",
        "Staff: the open tickets of a station as they change, and those that ended in the last "
        "minute: server-sent events, each one a page",
        (
            Answer(
                200,
                "A stream of pages, the first one whole and then what is new or changed, for a "
                "minute or 256 KB: then connect again",
                None,
                STREAM,
            ),
        ),
        problems=(404, 422, 429, 503),
        parameters=(_LIMIT,),
    )
    async def follow_tickets(self, request: Request) -> Response:
        limit = parameters.limit(request.query())
        check_stream_limit()

        async def read() -> Snapshot:
            page = await self._page(request, "current", limit)
            entries = tuple(map(Ticket.to_json, page.tickets))
            return Snapshot(page.with_written(entries), False, entries)

        # Who shows another token does not see what this one may see.
        token = request.header("authorization") or ""
        followed = f"tickets of {paths.station(request)} {limit} {token}"
        first = await latest(followed, read)
        page = TicketPage.model_validate_json(first.body)
        news = page.model_copy(update={"next": None}).with_written
        return events(self._env, self._log, first, read, PAUSE, key=followed, changes=news)

    @Operation(
        "startStationTicket",
        "Staff: begin with items of a ticket, or with all of it",
        _TICKET,
        problems=(404, 409, 429, 503),
        parameters=(tickets.IF_MATCH,),
        body=Tap,
    )
    async def start(self, request: Request) -> Response:
        return await self._tap(request, "start", await request.json(Tap))

    @Operation(
        "readyStationTicket",
        "Staff: items that were started are ready, or all of the ticket",
        _TICKET,
        problems=(404, 409, 429, 503),
        parameters=(tickets.IF_MATCH,),
        body=Tap,
    )
    async def ready(self, request: Request) -> Response:
        return await self._tap(request, "ready", await request.json(Tap))

    @Operation(
        "failStationTicket",
        "Staff: items cannot be made, or what is open of the ticket",
        _TICKET,
        problems=(404, 409, 429, 503),
        parameters=(tickets.IF_MATCH,),
        body=FailTap,
    )
    async def fail(self, request: Request) -> Response:
        return await self._tap(request, "fail", await request.json(FailTap))

    @Operation(
        "closeStationDay",
        "Staff: end every open ticket of a station, for this reason",
        (Answer(200, "How many were ended, and are still open", DayClosed, JSON),),
        problems=(404, 429, 503),
        body=CloseDay,
    )
    async def close_day(self, request: Request) -> Response:
        body = (await request.json(CloseDay)).to_json()
        return _handed_back(await self._ask(request, "POST", "/close-day", DayClosed, body))

    @Operation(
        "getStationTimes",
        "Staff: how long tickets of a station took in the last 24 hours",
        (Answer(200, "The times", Times, JSON),),
        problems=(404, 429, 503),
    )
    async def get_times(self, request: Request) -> Response:
        return _handed_back(await self._ask(request, "GET", "/times", Times))

    async def _page(self, request: Request, state: str, limit: int) -> TicketPage:
        query = f"state={state}&limit={limit}"
        return await self._by(request, lambda station, token: station.page(query, token))

    async def _tap(self, request: Request, action: str, tap: Tap) -> Response:
        path = f"/tickets/{paths.order_id(request)}/{action}"
        body = tap.model_dump_json(exclude_none=True).encode()
        return _handed_back(await self._ask(request, "POST", path, Ticket, body))

    async def _ask(
        self,
        request: Request,
        method: Literal["GET", "POST"],
        path: str,
        model: type[contracts.Document],
        body: bytes = b"",
    ) -> Reply:
        tags = if_match(request)
        seen = None if tags is None else ", ".join(tags)
        return await self._by(
            request,
            lambda station, token: station.ask(
                method, path, token, model, body=body, if_match=seen
            ),
        )

    async def _by(
        self, request: Request, call: Callable[[AtStation, str | None], Awaitable[T]]
    ) -> T:
        """What the path's station answers to the call, with the caller's token. Raises `Problem`
        401 and 404, `TooManyRequests` and `ServiceUnavailable`."""
        name = paths.station(request)
        try:
            return await call(AtStation(self._sidecar, name), request.header("authorization"))
        except WrongToken:
            raise unauthorized() from None
        except ServiceUnavailable:
            if await self._is_unknown(name):
                raise Problem(404, f"There is no station {name}.") from None
            raise

    async def _is_unknown(self, name: contracts.Station) -> bool:
        """Whether the menu says that there is no such station: to ask it again would not help."""
        try:
            menu = await Products(self._sidecar).menu()
        except (ServiceUnavailable, TooManyRequests):
            return False
        return all(item.station != name for item in menu)


def _handed_back(reply: Reply) -> Response:
    etag = (("etag", reply.etag),) if reply.etag else ()
    return Response(reply.status, reply.body, headers=etag)
