"""A station: makes what is ordered of it, once, and reports how that went.

barista-api and kitchen-api are this component under two names. Either it makes at once, or its
staff do (`making`). W1 to W17 and T1 to T9 are rules of docs/workflow.md.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from coffeeshop import paths
from coffeeshop.api import Api, Context
from coffeeshop.contracts import Station, StationAnswered, StationOrdered
from coffeeshop.environment import Environment
from coffeeshop.events import Delivered, deliver
from coffeeshop.files import read_sibling
from coffeeshop.http import Problem, Request, Response, Route
from coffeeshop.logs import Log, tracing
from coffeeshop.operation import EVENT, JSON, Answer, Operation
from coffeeshop.settings import ALWAYS_NEEDED
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Stored
from coffeeshop.tickets import Ticket
from coffeeshop.topics import CANCELLED, PLACED
from coffeeshop.transport import ServiceUnavailable
from station.board import ticket_key
from station.decisions import accept, cancelled, decide
from station.desk import Desk
from station.handlers import TicketApi
from station.ids import make_id
from station.lateness import too_late
from station.sold_out import SOLD_OUT_KEY, SoldOut
from station.tickets import cancel, report

DESCRIBED_AS = "anystation"
"""The station whose description is committed. Each station serves it under its own name."""
_DESCRIPTION = read_sibling(__file__, "openapi.json")


def routes(context: Context) -> list[Route]:
    name, env, log = Station(context.name), context.env, context.log
    desk, sold_out = Desk(name, env, log), SoldOut(name, env, log)
    station = StationApi(name, env, log, desk, sold_out)
    tickets = TicketApi(name, env, log, desk)
    base = f"/v1/api/{name}"
    all_tickets, ticket = f"{base}/tickets", f"{base}/tickets/{{id}}"
    sold_out_item = f"{base}/unavailable/{{itemType}}"
    sidecar, staff = context.callers.sidecar, context.callers.staff
    return [
        Route("POST", PLACED.route(name), station.make_orders, sidecar),
        Route("POST", CANCELLED.route(name), station.cancel_orders, sidecar),
        Route("GET", f"{base}/orders/{{id}}", station.get_order),
        Route("GET", all_tickets, tickets.list_tickets, staff),
        Route("GET", f"{all_tickets}/events", tickets.follow_tickets, staff),
        Route("GET", ticket, tickets.get_ticket, staff),
        Route("POST", f"{ticket}/start", tickets.start, staff),
        Route("POST", f"{ticket}/ready", tickets.ready, staff),
        Route("POST", f"{ticket}/fail", tickets.fail, staff),
        Route("POST", f"{base}/close-day", tickets.close_day, staff),
        Route("GET", f"{base}/times", tickets.get_times, staff),
        Route("GET", f"{base}/unavailable", sold_out.list_sold_out),
        Route("GET", sold_out_item, sold_out.get_sold_out),
        Route("PUT", sold_out_item, sold_out.put_sold_out, staff),
        Route("DELETE", sold_out_item, sold_out.delete_sold_out, staff),
    ]


def description(name: str) -> bytes:
    """The one description under the station's own name."""
    document = _DESCRIPTION.decode().replace(DESCRIBED_AS, name)
    return document.replace(DESCRIBED_AS.capitalize(), name.capitalize()).encode()


API = Api("{station}-api", routes, description, needed=(*ALWAYS_NEEDED, "station"))


class StationApi:
    """What comes from the counter."""

    def __init__(
        self, station: Station, env: Environment, log: Log, desk: Desk, sold_out: SoldOut
    ) -> None:
        self._station = station
        self._env = env
        self._log = log
        self._desk = desk
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._records = desk.tickets
        self._lists = sold_out.lists

    @EVENT
    async def make_orders(self, request: Request) -> Response:
        return await deliver(request, StationOrdered, self._make_all, self._log)

    @EVENT
    async def cancel_orders(self, request: Request) -> Response:
        return await deliver(request, StationOrdered, self._cancel_all, self._log)

    async def _make_all(self, orders: Sequence[Delivered[StationOrdered]]) -> None:
        """Make the orders, or hand them to staff, or report again: one read, one save and one
        publish for all of them. Raises `ServiceUnavailable` to get them again."""
        by_key = {ticket_key(each.event.orderId): each for each in orders}
        # W5: the ticket before the time, for what was made in time stays made.
        known, lists = await self._records.get_with(list(by_key), self._lists, [SOLD_OUT_KEY])
        items = lists[SOLD_OUT_KEY].value.items if lists else ()
        sold_out = frozenset(each.itemType for each in items)
        now = self._env.clock()
        fresh = {key: each for key, each in by_key.items() if key not in known}
        late = await too_late(self._sidecar, fresh, now, self._log)

        def decision(order: StationOrdered) -> Ticket:
            is_late = late[ticket_key(order.orderId)]
            if self._env.settings.is_staffed:
                return accept(order, self._station, sold_out, now, is_late=is_late)
            make = partial(make_id, self._env)
            return decide(order, self._station, sold_out, now, make, is_late=is_late)

        decided = {key: each for key, each in by_key.items() if key in known or key in late}
        await self._report(decided, await self._decide(decided, known, decision))

    async def _cancel_all(self, orders: Sequence[Delivered[StationOrdered]]) -> None:
        """Cancel what is not begun; the rest stays, and is reported again (W13). Raises
        `ServiceUnavailable` to get them again."""
        by_key = {ticket_key(each.event.orderId): each for each in orders}
        known = await self._records.get_many(list(by_key))
        now = self._env.clock()
        recorded = await self._decide(
            by_key, known, lambda order: cancelled(order, self._station, now)
        )
        for each, ticket in recorded.items():
            if cancel(ticket, now) is not ticket:
                recorded[each] = await self._desk.change_known(
                    ticket.orderId, lambda ticket: cancel(ticket, now)
                )
        await self._report(by_key, recorded)

    async def _decide(
        self,
        by_key: Mapping[str, Delivered[StationOrdered]],
        known: Mapping[str, Stored[Ticket]],
        decision: Callable[[StationOrdered], Ticket],
    ) -> dict[str, Ticket]:
        """Decide by creating the ticket: what is recorded then (W5)."""
        fresh = {key: decision(each.event) for key, each in by_key.items() if key not in known}
        recorded = {key: stored.value for key, stored in known.items()}
        if fresh:
            await self._desk.put_up(fresh.values())
            recorded |= await self._records.create_all(fresh)
        for key, ticket in fresh.items():
            # W6: made only now that our own record is confirmed. A second delivery finds it.
            if recorded.get(key) == ticket:
                with tracing(by_key[key].trace):
                    self._desk.log_decided(ticket)
        return recorded

    async def _report(
        self, by_key: Mapping[str, Delivered[StationOrdered]], recorded: Mapping[str, Ticket]
    ) -> None:
        """Report what is recorded, and get the rest again."""
        traces = {each.event.orderId: each.trace for each in by_key.values()}
        await self._desk.report(recorded.values(), traces)
        if len(recorded) < len(by_key):
            raise ServiceUnavailable("The store did not confirm.")

    @Operation(
        "getResult",
        "How the station decided on an order's items",
        (Answer(200, "The station's report", StationAnswered, JSON),),
        problems=(404, 503),
    )
    async def get_order(self, request: Request) -> Response:
        order_id = paths.order_id(request)
        known = await self._records.get(ticket_key(order_id))
        if known is None:
            raise Problem(404, f"The {self._station} has no result for an order {order_id}.")
        return Response(200, report(known.value).to_json())
