"""counter-api's routes and handlers: HTTP in, the workflow, HTTP out."""

import re
from collections.abc import Mapping

from coffeeshop import contracts, operation, paths
from coffeeshop.answers import FieldError
from coffeeshop.api import Api, Context
from coffeeshop.contracts import OrderStatus, PlaceOrder
from coffeeshop.environment import Environment
from coffeeshop.events import deliver
from coffeeshop.http import (
    Problem,
    Request,
    Response,
    Route,
    invalid_fields,
    unavailable,
)
from coffeeshop.logs import Log
from coffeeshop.settings import ALWAYS_NEEDED
from coffeeshop.sidecar import Sidecar
from coffeeshop.topics import UPDATED_ROUTES
from counter import operations as op
from counter import page, parameters, wire
from counter.clients import TooManyRequests
from counter.index_reader import UnknownCursor
from counter.listing import Listing
from counter.live import Document, Read, check_room, events, latest, once_ended
from counter.menu import MenuBoard
from counter.order import Rejected
from counter.orders import Orders
from counter.outcomes import Abandoned, Ended, KeyReused, MayExist, UnknownOrder
from counter.problems import busy, no_order
from counter.view import View
from counter.workflow import Workflow

ORDER_PAUSE = 0.2
BOARD_PAUSE = 1.0
"""Seconds between two looks at what is followed: at one order, at the newest of all."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def routes(context: Context) -> list[Route]:
    env, log = context.env, context.log
    counter = Counter(Workflow(env, log), env, log)
    menu = MenuBoard(env, log)
    pos, sidecar = context.callers.pos, context.callers.sidecar
    staff = context.callers.station
    orders, order = "/v1/api/orders", "/v1/api/orders/{id}"
    all_orders, sold_out = "/v1/api/fulfillment-orders", "/v1/api/menu/{itemType}/unavailable"
    return [
        Route("POST", orders, counter.place_order, pos, op.PLACE_ORDER),
        Route("GET", orders, counter.list_customer_orders, pos, op.LIST_CUSTOMER_ORDERS),
        Route("GET", order, counter.get_order, pos, op.GET_ORDER),
        Route("GET", f"{order}/events", counter.follow_order, pos, op.FOLLOW_ORDER),
        Route("POST", f"{order}/cancel", counter.cancel_order, pos, op.CANCEL_ORDER),
        Route("GET", all_orders, counter.list_all_orders, pos, op.LIST_ALL_ORDERS),
        Route("GET", f"{all_orders}/events", counter.follow_all_orders, pos, op.FOLLOW_ALL_ORDERS),
        Route("GET", "/v1/api/menu", menu.get_menu, operation=op.GET_MENU),
        Route("GET", "/v1/api/menu/{itemType}/image", menu.get_picture, operation=op.GET_PICTURE),
        Route("PUT", sold_out, menu.put_sold_out, staff, op.SELL_OUT),
        Route("DELETE", sold_out, menu.delete_sold_out, staff, op.SELL_AGAIN),
        *(
            Route("POST", path, counter.record_reports, sidecar, operation.EVENT)
            for path in UPDATED_ROUTES
        ),
        Route("POST", "/job/sweep", counter.sweep, sidecar, op.SWEEP),
        Route("GET", "/asyncapi.json", page.EVENTS, operation=op.EVENTS_DESCRIPTION),
        Route("GET", "/", page.HTML),
        Route("GET", "/page.css", page.STYLE),
        Route("GET", "/page.js", page.SCRIPT),
        Route("GET", "/icon.svg", page.ICON),
    ]


API = Api(
    "counter-api",
    routes,
    lambda _: page.DESCRIPTION,
    needed=(*ALWAYS_NEEDED, "id_secret"),
    failures={TooManyRequests: busy()},
)


class Counter:
    def __init__(self, workflow: Workflow, env: Environment, log: Log) -> None:
        self._workflow = workflow
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._orders = Orders(sidecar)
        self._listing = Listing(sidecar, env.settings.id_secret.encode())
        self._env = env
        self._log = log

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
        except MayExist as error:
            detail = "The order may exist. Repeat the request with the same Idempotency-Key."
            raise unavailable(detail, (("location", _location(error.order_id)),)) from None
        location = ("location", _location(placed.order.order.id))
        repeat = (("idempotency-replayed", "true"),) if placed.is_repeat else ()
        return Response(201, wire.document(placed.order), headers=(location, *repeat))

    async def cancel_order(self, request: Request) -> Response:
        try:
            order = await self._workflow.cancel(paths.order_id(request))
        except UnknownOrder:
            raise no_order() from None
        except Ended as error:
            detail = f"The order is {error.order.status}: nothing of it can be cancelled any more."
            raise Problem(409, detail) from None
        return Response(202, wire.document(order))

    async def get_order(self, request: Request) -> Response:
        wait = parameters.wait(request.query())
        first, read = await self._find(paths.order_id(request))
        if first[1] or not wait:
            return Response(200, first[0])
        return once_ended(self._env, self._log, first, read, wait)

    async def follow_order(self, request: Request) -> Response:
        order_id = paths.order_id(request)
        check_room()
        first, read = await self._find(order_id)
        return events(self._env, self._log, first, read, ORDER_PAUSE)

    async def _find(self, order_id: str) -> tuple[Document, Read]:
        """The order, and how to look at it again: only its reports can change."""
        seen = await self._orders.find(order_id)
        if seen is None:
            raise no_order()

        async def read() -> Document:
            return _document(await self._orders.view(seen.order))

        return _document(seen), read

    async def follow_all_orders(self, request: Request) -> Response:
        query = request.query()
        limit = parameters.limit(query)
        changes = _changes if parameters.flag(query, "changes") else None
        check_room()

        async def read() -> Document:
            newest = await self._listing.page(None, limit, customer=None, status=None)
            orders = tuple(map(wire.document, newest.orders))
            return Document(wire.page_of(orders, newest.next), False, orders)

        key = f"newest {limit}"
        first = await latest(key, read)
        return events(self._env, self._log, first, read, BOARD_PAUSE, key=key, changes=changes)

    async def list_customer_orders(self, request: Request) -> Response:
        query = request.query()
        customer = parameters.name(query, "loyaltyMemberId")
        return await self._page(query, customer=customer, status=None)

    async def list_all_orders(self, request: Request) -> Response:
        query = request.query()
        status = query.get("status")
        if status is not None and status not in set(OrderStatus):
            message = f"must be one of {', '.join(OrderStatus)}"
            raise invalid_fields([FieldError(field="status", message=message)])
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

    async def record_reports(self, request: Request) -> Response:
        return await deliver(request, contracts.StationAnswered, self._workflow.record, self._log)

    async def sweep(self, _request: Request) -> Response:
        await self._workflow.sweep()
        return Response(204)


def _location(order_id: str) -> str:
    return f"/v1/api/orders/{order_id}"


def _document(seen: View) -> Document:
    return Document(wire.document(seen), seen.is_terminal)


def _changes(orders: tuple[bytes, ...]) -> bytes:
    return wire.page_of(orders, None)
