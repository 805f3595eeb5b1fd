"""What is sold out at a station (the “86” list)."""

from collections.abc import Callable

from pydantic import TypeAdapter

from coffeeshop import paths
from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.http import Problem, Request, Response
from coffeeshop.logs import Log
from coffeeshop.operation import JSON, Answer, Operation
from coffeeshop.sidecar import Sidecar
from coffeeshop.sold_out import SoldOutItem, SoldOutList
from coffeeshop.store import Store
from station.decisions import with_item, without_item

SOLD_OUT_KEY = "unavailable"
"""The key of the list."""
LISTS = TypeAdapter(SoldOutList)


class SoldOut:
    def __init__(self, station: Station, env: Environment, log: Log) -> None:
        self._env = env
        self._log = log
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self.lists = Store(sidecar, f"{station}-store", LISTS)

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
        (Answer(200, "It is sold out", SoldOutItem, JSON),),
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
        "An item is on sale again",
        (Answer(204, "It is not on the list"),),
        problems=(404, 503),
    )
    async def delete_sold_out(self, request: Request) -> Response:
        item_type = paths.item_type(request)
        await self._change(lambda current: without_item(current, item_type))
        self._log("item.on_sale", itemType=item_type)
        return Response(204)

    async def _sold_out(self) -> SoldOutList:
        stored = await self.lists.get(SOLD_OUT_KEY)
        return stored.value if stored else SoldOutList(items=())

    async def _change(self, change: Callable[[SoldOutList], SoldOutList]) -> None:
        empty = SoldOutList(items=())
        await self.lists.change(
            SOLD_OUT_KEY, lambda stored: change(stored or empty), self._env.jitter
        )
