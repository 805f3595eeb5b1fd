"""A station: makes what is ordered of it, once, and reports how that went.

barista-api and kitchen-api are this component under two names. W1 to W17 are the workflow's rules
(docs/workflow.md).
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from pydantic import TypeAdapter

from coffeeshop import contracts, paths
from coffeeshop.api import Api, Context
from coffeeshop.contracts import (
    SoldOutList,
    Station,
    StationAnswered,
    StationOrdered,
)
from coffeeshop.environment import Environment
from coffeeshop.events import Delivered, deliver
from coffeeshop.files import read_sibling
from coffeeshop.http import Problem, Request, Response, Route
from coffeeshop.logs import Log, tracing
from coffeeshop.operation import EVENT, JSON, Answer, Operation
from coffeeshop.settings import ALWAYS_NEEDED
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store, Stored
from coffeeshop.topics import CANCELLED, PLACED, UPDATED, publish
from coffeeshop.transport import ServiceUnavailable
from station.decisions import cancelled, decide, with_item, without_item
from station.lateness import too_late

SOLD_OUT_KEY = "unavailable"
"""The key of the list of items that are sold out."""


DESCRIBED_AS = "anystation"
"""The station whose description is committed. Each station serves it under its own name."""
_DESCRIPTION = read_sibling(__file__, "openapi.json")

_RECORDS = TypeAdapter(StationAnswered)
_LISTS = TypeAdapter(SoldOutList)


def routes(context: Context) -> list[Route]:
    name = Station(context.name)
    station = StationApi(name, context.env, context.log)
    result = f"/v1/api/{name}/orders/{{id}}"
    sold_out = f"/v1/api/{name}/unavailable"
    sold_out_item = f"{sold_out}/{{itemType}}"
    sidecar, staff = context.callers.sidecar, context.callers.staff
    return [
        Route("POST", PLACED.route(name), station.make_orders, sidecar),
        Route("POST", CANCELLED.route(name), station.cancel_orders, sidecar),
        Route("GET", result, station.get_order),
        Route("GET", sold_out, station.list_sold_out),
        Route("GET", sold_out_item, station.get_sold_out),
        Route("PUT", sold_out_item, station.put_sold_out, staff),
        Route("DELETE", sold_out_item, station.delete_sold_out, staff),
    ]


def description(name: str) -> bytes:
    """The one description under the station's own name."""
    document = _DESCRIPTION.decode().replace(DESCRIBED_AS, name)
    return document.replace(DESCRIBED_AS.capitalize(), name.capitalize()).encode()


API = Api("{station}-api", routes, description, needed=(*ALWAYS_NEEDED, "station"))


class StationApi:
    def __init__(self, station: Station, env: Environment, log: Log) -> None:
        self._station = station
        self._env = env
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._records = Store(self._sidecar, f"{station}-store", _RECORDS)
        self._lists = Store(self._sidecar, f"{station}-store", _LISTS)

    @EVENT
    async def make_orders(self, request: Request) -> Response:
        return await deliver(request, StationOrdered, self._make_all, self._log)

    @EVENT
    async def cancel_orders(self, request: Request) -> Response:
        return await deliver(request, StationOrdered, self._cancel_all, self._log)

    async def _make_all(self, orders: Sequence[Delivered[StationOrdered]]) -> None:
        """Make the orders, or report again: one read, one save and one publish for all of them.
        Raises `ServiceUnavailable` to get them again."""
        by_key = {_key(each.event.orderId): each for each in orders}
        # W5: the record before the time, for what was made in time stays made.
        known, lists = await self._records.get_with(list(by_key), self._lists, [SOLD_OUT_KEY])
        items = lists[SOLD_OUT_KEY].value.items if lists else ()
        sold_out = frozenset(each.itemType for each in items)
        now = self._env.clock()
        fresh = {key: each for key, each in by_key.items() if key not in known}
        late = await too_late(self._sidecar, fresh, now, self._log)

        def decision(order: StationOrdered) -> StationAnswered:
            is_late = late[_key(order.orderId)]
            return decide(order, self._station, sold_out, now, self._make_id, is_late=is_late)

        decided = {key: each for key, each in by_key.items() if key in known or key in late}
        await self._decide(decided, known, decision)

    async def _cancel_all(self, orders: Sequence[Delivered[StationOrdered]]) -> None:
        """Cancel what is not begun; else the record stays and is reported again (W13). Raises
        `ServiceUnavailable` to get them again."""
        by_key = {_key(each.event.orderId): each for each in orders}
        known = await self._records.get_many(list(by_key))
        now = self._env.clock()
        await self._decide(by_key, known, lambda order: cancelled(order, self._station, now))

    async def _decide(
        self,
        by_key: Mapping[str, Delivered[StationOrdered]],
        known: Mapping[str, Stored[StationAnswered]],
        decision: Callable[[StationOrdered], StationAnswered],
    ) -> None:
        """Decide by creating the record, then report what is recorded (W5)."""
        fresh = {key: decision(each.event) for key, each in by_key.items() if key not in known}
        recorded = {key: stored.value for key, stored in known.items()}
        if fresh:
            recorded |= await self._records.create_all(fresh)
        for key, record in fresh.items():
            # W6: made only now that our own record is confirmed. A second delivery finds it.
            if recorded.get(key) == record:
                with tracing(by_key[key].trace):
                    self._log_made(record)
        traces = {each.event.orderId: each.trace for each in by_key.values()}
        now = self._env.clock()
        await publish(self._sidecar, UPDATED, self._station, recorded.values(), now, traces)
        if len(recorded) < len(by_key):
            raise ServiceUnavailable("The store did not confirm.")

    def _log_made(self, record: StationAnswered) -> None:
        for item in record.items:
            self._log(
                "item.made" if item.makeId else "item.failed",
                orderId=record.orderId,
                item=item.name,
                makeId=item.makeId,
                reason=item.reason,
            )

    def _make_id(self) -> str:
        return str(UUID(bytes=self._env.entropy(16), version=4))

    @Operation(
        "getResult",
        "How the station decided on an order's items",
        (Answer(200, "The station's verdict", StationAnswered, JSON),),
        problems=(404, 503),
    )
    async def get_order(self, request: Request) -> Response:
        order_id = paths.order_id(request)
        known = await self._records.get(_key(order_id))
        if known is None:
            raise Problem(404, f"The {self._station} has no result for an order {order_id}.")
        return Response(200, known.value.to_json())

    # What is sold out ("86")

    @Operation(
        "listUnavailable",
        "What is sold out (the “86” list)",
        (Answer(200, "The list", SoldOutList, JSON),),
        problems=(503,),
    )
    async def list_sold_out(self, _request: Request) -> Response:
        return Response(200, (await self._sold_out()).to_json())

    @Operation(
        "getUnavailable",
        "Whether an item is sold out",
        (Answer(200, "It is sold out", contracts.SoldOutItem, JSON),),
        problems=(404, 503),
    )
    async def get_sold_out(self, request: Request) -> Response:
        item_type = paths.item_type(request)
        for each in (await self._sold_out()).items:
            if each.itemType == item_type:
                return Response(200, each.to_json())
        raise Problem(404, f"Item {item_type} is not on the list: it is available.")

    @Operation(
        "putUnavailable",
        "An item is sold out",
        (Answer(204, "It is on the list"),),
        problems=(404, 503),
    )
    async def put_sold_out(self, request: Request) -> Response:
        item_type, now = paths.item_type(request), self._env.clock()
        await self._change(lambda current: with_item(current, item_type, now))
        self._log("item.sold_out", itemType=item_type)
        return Response(204)

    @Operation(
        "deleteUnavailable",
        "An item is available again",
        (Answer(204, "It is not on the list"),),
        problems=(404, 503),
    )
    async def delete_sold_out(self, request: Request) -> Response:
        item_type = paths.item_type(request)
        await self._change(lambda current: without_item(current, item_type))
        self._log("item.on_sale", itemType=item_type)
        return Response(204)

    async def _sold_out(self) -> SoldOutList:
        stored = await self._lists.get(SOLD_OUT_KEY)
        return stored.value if stored else SoldOutList(items=())

    async def _change(self, change: Callable[[SoldOutList], SoldOutList]) -> None:
        empty = SoldOutList(items=())
        await self._lists.change(
            SOLD_OUT_KEY, lambda stored: change(stored or empty), self._env.jitter
        )


def _key(order_id: str) -> str:
    return f"order-{order_id}"
