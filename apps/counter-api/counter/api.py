"""counter-api's routes and handlers: HTTP in, the workflow, HTTP out."""

import base64
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial

from pydantic import TypeAdapter

from coffeeshop import contracts, operation
from coffeeshop.contracts import FieldError, OrderStatus, PlaceOrder
from coffeeshop.environment import Environment
from coffeeshop.events import delivered, dropped
from coffeeshop.http import (
    Caller,
    Problem,
    Request,
    Response,
    Route,
    Router,
    alive,
    invalid_fields,
    unavailable,
)
from coffeeshop.logs import Log, logger
from counter import operations as op
from counter import page
from counter.index import Cursor, Entry, Mark, UnknownCursor
from counter.live import Document, events, once_ended
from counter.menu import MenuBoard
from counter.order import Order, Rejected
from counter.workflow import Abandoned, KeyReused, MayExist, Page, UnknownOrder, Workflow

MAX_WAIT_SECONDS = 30
PAGE = 20
MAX_PAGE = 100
ORDER_PAUSE = 0.2
BOARD_PAUSE = 1.0
"""Seconds between two looks at what is followed: at one order, at the newest of all."""

_ORDERS = TypeAdapter(contracts.Order)
_PAGES = TypeAdapter(contracts.OrderPage)

_ORDER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_MARK = r"(?:-1|\d{1,9}h?)"
_CURSOR = re.compile(rf"(\d{{1,15}}):({_ORDER_ID.pattern}):({_MARK}(?:,{_MARK})*)")
_JOB = re.compile(rf"order-({_ORDER_ID.pattern})")


def build(env: Environment) -> Router:
    log = logger("counter-api", env.clock)
    counter = Counter(Workflow(env, log), env, log)
    menu = MenuBoard(env, log)
    pos, sidecar = Caller.POS, Caller.SIDECAR
    orders, order = "/v1/api/orders", "/v1/api/orders/{id}"
    all_orders, sold_out = "/v1/api/fulfillment-orders", "/v1/api/menu/{itemType}/unavailable"
    barista, kitchen = "/dapr_subscribe_BaristaOrderUpdated", "/dapr_subscribe_KitchenOrderUpdated"
    any_station = "/dapr_subscribe_OrderUpdated"  # of stations that were added
    return Router(
        [
            Route("POST", orders, counter.place_order, pos, op.PLACE_ORDER),
            Route("GET", orders, counter.list_customer_orders, pos, op.LIST_CUSTOMER_ORDERS),
            Route("GET", order, counter.get_order, pos, op.GET_ORDER),
            Route("GET", f"{order}/events", counter.follow_order, pos, op.FOLLOW_ORDER),
            Route("GET", all_orders, counter.list_all_orders, pos, op.LIST_ALL_ORDERS),
            Route(
                "GET", f"{all_orders}/events", counter.follow_all_orders, pos, op.FOLLOW_ALL_ORDERS
            ),
            Route("GET", "/v1/api/menu", menu.get_menu, operation=op.GET_MENU),
            Route(
                "GET", "/v1/api/menu/{itemType}/image", menu.get_picture, operation=op.GET_PICTURE
            ),
            Route("PUT", sold_out, menu.put_sold_out, Caller.STATION, op.SELL_OUT),
            Route("DELETE", sold_out, menu.delete_sold_out, Caller.STATION, op.SELL_AGAIN),
            Route("POST", barista, counter.record_answer, sidecar, operation.EVENT),
            Route("POST", kitchen, counter.record_answer, sidecar, operation.EVENT),
            Route("POST", any_station, counter.record_answer, sidecar, operation.EVENT),
            Route("POST", "/job/sweep", counter.sweep, sidecar, op.SWEEP),
            Route("POST", "/job/{name}", counter.watch_order, sidecar, op.FIRE_TIMER),
            Route("GET", "/healthz/counter", alive, operation=operation.ALIVE),
            Route("GET", "/openapi.json", page.DESCRIPTION, operation=operation.DESCRIPTION),
            Route("GET", "/openapi/counter.json", page.DESCRIPTION),
            Route("GET", "/asyncapi.json", page.EVENTS, operation=op.EVENTS_DESCRIPTION),
            Route("GET", "/", page.HTML),
            Route("GET", "/page.css", page.STYLE),
            Route("GET", "/page.js", page.SCRIPT),
            Route("GET", "/icon.svg", page.ICON),
        ],
        env.settings,
        log,
    )


class Counter:
    def __init__(self, workflow: Workflow, env: Environment, log: Log) -> None:
        self._workflow = workflow
        self._env = env
        self._log = log

    async def place_order(self, request: Request) -> Response:
        key = request.header("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise Problem(400, "Idempotency-Key must be 1 to 255 visible ASCII characters.")
        command = await request.json(PlaceOrder)
        try:
            order = await self._workflow.place(command, key)
        except Rejected as error:
            raise invalid_fields(error.errors) from None
        except KeyReused:
            detail = "This Idempotency-Key was used for another order."
            raise invalid_fields([FieldError(field="Idempotency-Key", message=detail)]) from None
        except Abandoned:
            detail = "The order of this Idempotency-Key was abandoned: it will never be made. "
            raise Problem(409, detail + "Use a new key.") from None
        except MayExist as error:
            detail = "The order may exist. Repeat the request with the same Idempotency-Key."
            raise unavailable(detail, (("location", _location(error.order_id)),)) from None
        return Response(201, _json(order), headers=(("location", _location(order.id)),))

    async def get_order(self, request: Request) -> Response:
        wait = _wait(request.query())
        read = partial(self._read, request.path_params["id"])
        document, ended = await read()
        if ended or not wait:
            return Response(200, document)
        return once_ended(self._env, self._log, (document, ended), read, wait)

    async def follow_order(self, request: Request) -> Response:
        read = partial(self._read, request.path_params["id"])
        return events(self._env, self._log, await read(), read, ORDER_PAUSE)

    async def _read(self, order_id: str) -> Document:
        order = await self._workflow.find(order_id) if _ORDER_ID.fullmatch(order_id) else None
        if order is None:
            raise Problem(404, f"There is no order {order_id}.")
        return _json(order), order.is_terminal

    async def follow_all_orders(self, request: Request) -> Response:
        limit = _limit(request.query())

        async def read() -> Document:
            newest = await self._workflow.page(None, limit, customer=None, status=None)
            return _page_json(newest), False

        return events(self._env, self._log, await read(), read, BOARD_PAUSE)

    async def list_customer_orders(self, request: Request) -> Response:
        query = request.query()
        customer = query.get("loyaltyMemberId")
        if not customer:
            message = "say whose orders"
            raise invalid_fields([FieldError(field="loyaltyMemberId", message=message)])
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
            found = await self._workflow.page(
                _cursor(query), _limit(query), customer=customer, status=status
            )
        except UnknownCursor:
            raise _unknown_cursor() from None
        return Response(200, _page_json(found))

    async def record_answer(self, request: Request) -> Response:
        event = await delivered(request, contracts.StationAnswered, self._log)
        if event is None:
            return dropped()
        try:
            await self._workflow.answered(event)
        except UnknownOrder:
            self._log("answer.unknown_order", level="warning", orderId=event.orderId)
            return dropped()
        return Response(204)

    async def watch_order(self, request: Request) -> Response:
        name = _JOB.fullmatch(request.path_params["name"])
        if name is None:
            raise Problem(404, "There is no such job.")
        await self._workflow.watch(name[1])
        return Response(204)

    async def sweep(self, _request: Request) -> Response:
        await self._workflow.sweep()
        return Response(204)


def _location(order_id: str) -> str:
    return f"/v1/api/orders/{order_id}"


def _json(order: Order) -> bytes:
    return contracts.with_numbers(_ORDERS.dump_json(_wire(order)))


def _page_json(found: Page) -> bytes:
    page = contracts.OrderPage(
        orders=tuple(map(_wire, found.orders)), next=_encode(found.next) if found.next else None
    )
    return contracts.with_numbers(_PAGES.dump_json(page))


def _wire(order: Order) -> contracts.Order:
    """The order as the public sees it. Its parts were checked when they came in."""
    return contracts.Order(
        id=order.id,
        status=order.status,
        loyaltyMemberId=order.loyalty_member_id,
        orderSource=order.order_source,
        location=order.location,
        timestamp=order.timestamp,
        placedAt=order.placed_at,
        updatedAt=order.updated_at,
        expiresAt=order.expires_at,
        total=_dollars(order.total),
        items=tuple(
            contracts.OrderItem(
                id=item.id,
                itemType=item.item_type,
                name=item.name,
                price=_dollars(item.price),
                station=item.station,
                status=item.status,
                reason=item.reason,
            )
            for item in order.items
        ),
        history=tuple(
            contracts.StatusChange(status=change.status, at=change.at, cause=change.cause)
            for change in order.history
        ),
    )


def _dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _wait(query: Mapping[str, str]) -> int:
    return _number(query, "wait", default=0, low=0, high=MAX_WAIT_SECONDS)


def _limit(query: Mapping[str, str]) -> int:
    return _number(query, "limit", default=PAGE, low=1, high=MAX_PAGE)


def _number(query: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 4 and low <= int(text) <= high:
        return int(text)
    message = f"must be a whole number from {low} to {high}"
    raise invalid_fields([FieldError(field=name, message=message)])


def _encode(cursor: Cursor) -> str:
    marks = ",".join(f"{number}{'h' * is_head}" for number, is_head in cursor.marks)
    text = f"{cursor.limit.at}:{cursor.limit.id}:{marks}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _cursor(query: Mapping[str, str]) -> Cursor | None:
    text = query.get("cursor")
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        found = _CURSOR.fullmatch(base64.b64decode(padded, "-_", validate=True).decode("ascii"))
    except ValueError:
        found = None
    if found is None:
        raise _unknown_cursor()
    at, order_id, marks = found.groups()
    return Cursor(
        Entry(int(at), order_id),
        tuple(Mark(int(mark.rstrip("h")), mark.endswith("h")) for mark in marks.split(",")),
    )


def _unknown_cursor() -> Problem:
    message = "must be the `next` of an earlier page"
    return invalid_fields([FieldError(field="cursor", message=message)])
