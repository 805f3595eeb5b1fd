"""counter-api's handlers of orders: HTTP in, the workflow, HTTP out. Each with its description."""

import re
from collections.abc import Mapping

from coffeeshop import contracts, parameters, paths
from coffeeshop.contracts import Order, OrderPage, OrderStatus, PlaceOrder
from coffeeshop.environment import Environment
from coffeeshop.events import deliver
from coffeeshop.http import Problem, Request, Response, invalid_fields, service_unavailable
from coffeeshop.index_reader import UnknownCursor
from coffeeshop.live import Read, Snapshot, check_stream_limit, events, latest, long_poll
from coffeeshop.logs import Log
from coffeeshop.operation import EVENT, JSON, STREAM, Answer, Operation, Parameter
from coffeeshop.responses import FieldError
from coffeeshop.sidecar import Sidecar
from counter import wire
from counter.clients import TooManyRequests
from counter.late import LateOrders
from counter.listing import Listing
from counter.order import Rejected
from counter.orders import Orders
from counter.outcomes import Abandoned, KeyReused, OrderEnded, OutcomeUnknown, UnknownOrder
from counter.problems import busy, no_order
from counter.view import OrderView
from counter.workflow import Workflow

ORDER_PAUSE = 0.2
BOARD_PAUSE = 1.0
"""Seconds between two looks at what is followed: at one order, at the newest of all."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PAGE = (parameters.limit_of("Orders"), parameters.CURSOR)


class Counter:
    def __init__(self, workflow: Workflow, env: Environment, log: Log) -> None:
        self._workflow = workflow
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._orders = Orders(sidecar, env.clock)
        self._listing = Listing(sidecar, env)
        self._late = LateOrders(sidecar, env)
        self._env = env
        self._log = log

    @Operation(
        "placeOrder",
        "Place an order",
        (
            Answer(
                201,
                "The order; the first one, for a repeated request",
                Order,
                JSON,
                ("location",),
                ("idempotency-replayed",),
            ),
        ),
        problems=(409, 429, 503),
        parameters=(
            Parameter(
                "Idempotency-Key",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "Makes a repeated request the same order",
                place="header",
            ),
        ),
        body=PlaceOrder,
    )
    async def place_order(self, request: Request) -> Response:
        key = request.header("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise Problem(400, "Idempotency-Key must be 1 to 255 visible ASCII characters.")
        command = await request.json(PlaceOrder)
        try:
            placed = await self._workflow.place(wire.order_request(command), key)
        except TooManyRequests:
            raise busy("The shop is busy, and nothing was ordered.") from None
        except Rejected as error:
            raise wire.rejected(command, error) from None
        except KeyReused:
            detail = "This Idempotency-Key was used for another order."
            raise invalid_fields([FieldError(field="Idempotency-Key", message=detail)]) from None
        except Abandoned:
            detail = "The order of this Idempotency-Key was abandoned: it will never be made. "
            raise Problem(409, detail + "Use a new key.") from None
        except OutcomeUnknown as error:
            detail = "The order may exist. Repeat the request with the same Idempotency-Key."
            raise service_unavailable(detail, (("location", _location(error.order_id)),)) from None
        location = ("location", _location(placed.order.order.id))
        repeat = (("idempotency-replayed", "true"),) if placed.is_repeat else ()
        return Response(201, wire.document(placed.order), headers=(location, *repeat))

    @Operation(
        "cancelOrder",
        "Ask for an order to be cancelled: each station decides by what it has begun",
        (Answer(202, "The order as it is; what becomes of it shows in its items", Order, JSON),),
        problems=(404, 409, 503),
    )
    async def cancel_order(self, request: Request) -> Response:
        try:
            order = await self._workflow.cancel(paths.order_id(request))
        except UnknownOrder:
            raise no_order() from None
        except OrderEnded as error:
            detail = f"The order is {error.order.status}: nothing of it can be cancelled any more."
            raise Problem(409, detail) from None
        return Response(202, wire.document(order))

    @Operation(
        "getOrder",
        "One order",
        (Answer(200, "The order", Order, JSON),),
        problems=(404, 422, 503),
        parameters=(
            Parameter(
                "wait",
                {"type": "integer", "minimum": 0, "maximum": 30, "default": 0},
                "Seconds to wait for the order to end",
            ),
        ),
    )
    async def get_order(self, request: Request) -> Response:
        wait = parameters.wait(request.query())
        first, read = await self._find(paths.order_id(request))
        if first[1] or not wait:
            return Response(200, first[0])
        return long_poll(self._env, self._log, first, read, wait)

    @Operation(
        "followOrder",
        "One order as it changes, until it has ended: server-sent events, each one the order",
        (Answer(200, "A stream of orders, at most a minute: then connect again", None, STREAM),),
        problems=(404, 503),
    )
    async def follow_order(self, request: Request) -> Response:
        order_id = paths.order_id(request)
        check_stream_limit()
        first, read = await self._find(order_id)
        return events(self._env, self._log, first, read, ORDER_PAUSE)

    async def _find(self, order_id: str) -> tuple[Snapshot, Read]:
        """The order, and how to look at it again: only its reports can change."""
        seen = await self._orders.find(order_id)
        if seen is None:
            raise no_order()

        async def read() -> Snapshot:
            return _document(await self._orders.view(seen.order))

        return _document(seen), read

    @Operation(
        "followAllOrders",
        "The newest orders as they change: server-sent events, each one a page",
        (
            Answer(
                200, "A stream of pages, for a minute or 256 KB: then connect again", None, STREAM
            ),
        ),
        problems=(422, 503),
        parameters=(
            _PAGE[0],
            Parameter(
                "changes",
                {"type": "boolean", "default": False},
                "After the first page only the orders that are new or changed",
            ),
        ),
    )
    async def follow_all_orders(self, request: Request) -> Response:
        query = request.query()
        limit = parameters.limit(query)
        changes = _changes if parameters.flag(query, "changes") else None
        check_stream_limit()

        async def read() -> Snapshot:
            newest = await self._listing.page(None, limit, customer=None, status=None)
            orders = tuple(map(wire.document, newest.documents))
            return Snapshot(wire.page_of(orders, newest.next), False, orders)

        key = f"newest {limit}"
        first = await latest(key, read)
        return events(self._env, self._log, first, read, BOARD_PAUSE, key=key, changes=changes)

    @Operation(
        "listCustomerOrders",
        "A customer's orders, newest first",
        (Answer(200, "A page of orders", OrderPage, JSON),),
        problems=(422, 503),
        parameters=(
            Parameter(
                "loyaltyMemberId",
                {"type": "string", "minLength": 1},
                "The identity given at the counter",
                required=True,
            ),
            *_PAGE,
        ),
    )
    async def list_customer_orders(self, request: Request) -> Response:
        query = request.query()
        customer = parameters.name(query, "loyaltyMemberId")
        return await self._page(query, customer=customer, status=None)

    @Operation(
        "listAllOrders",
        "All orders, newest first",
        (Answer(200, "A page of orders", OrderPage, JSON),),
        problems=(422, 503),
        parameters=(
            Parameter("status", {"type": "string", "enum": list(OrderStatus)}, "Only these"),
            Parameter(
                "late",
                {"type": "boolean", "default": False},
                "Only open orders whose deadline is over, as a sweep saw in the last 20 seconds",
            ),
            *_PAGE,
        ),
    )
    async def list_all_orders(self, request: Request) -> Response:
        query = request.query()
        status = query.get("status")
        if status is not None and status not in set(OrderStatus):
            message = f"must be one of {', '.join(OrderStatus)}"
            raise invalid_fields([FieldError(field="status", message=message)])
        if parameters.flag(query, "late"):
            cursor, limit = parameters.cursor(query), parameters.limit(query)
            return Response(200, wire.page(await self._late.page(cursor, limit, status)))
        return await self._page(query, customer=None, status=status)

    async def _page(
        self, query: Mapping[str, str], *, customer: str | None, status: str | None
    ) -> Response:
        try:
            found = await self._listing.page(
                parameters.cursor(query), parameters.limit(query), customer=customer, status=status
            )
        except UnknownCursor:
            raise parameters.unknown_cursor() from None
        return Response(200, wire.page(found))

    @EVENT
    async def record_reports(self, request: Request) -> Response:
        return await deliver(request, contracts.StationAnswered, self._workflow.record, self._log)

    @Operation(
        "sweep",
        "The regular look at orders that are not settled, called by the API's own sidecar",
        (
            Answer(204, "Done"),
            Answer(202, "Done, and open orders are late: the sidecar counts these statuses"),
        ),
        problems=(503,),
        internal=True,
    )
    async def sweep(self, _request: Request) -> Response:
        return Response(202 if await self._workflow.sweep() else 204)


def _location(order_id: str) -> str:
    return f"/v1/api/orders/{order_id}"


def _document(seen: OrderView) -> Snapshot:
    return Snapshot(wire.document(seen), seen.is_terminal)


def _changes(orders: tuple[bytes, ...]) -> bytes:
    return wire.page_of(orders, None)
