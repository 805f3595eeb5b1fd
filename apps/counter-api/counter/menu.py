"""The menu as the counter shows it: product-api's items, with what the stations have sold out.

A page in a browser reaches counter-api alone; the rest comes by service invocation.
"""

from collections.abc import Iterable
from typing import Literal

from coffeeshop import paths
from coffeeshop.concurrency import gather_all
from coffeeshop.contracts import Menu, Offer, Station
from coffeeshop.environment import Environment
from coffeeshop.files import etag, not_modified
from coffeeshop.http import Problem, Request, Response, unauthorized
from coffeeshop.logs import Log
from coffeeshop.operation import JSON, Answer, Operation
from coffeeshop.sidecar import Sidecar
from coffeeshop.transport import ServiceUnavailable
from counter.clients import AtStation, Products, TooManyRequests, WrongToken


class MenuBoard:
    def __init__(self, env: Environment, log: Log) -> None:
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._products = Products(self._sidecar)

    @Operation(
        "getMenu",
        "The menu as the counter shows it: with what is sold out",
        (
            Answer(200, "The menu", Menu, JSON, ("etag",)),
            Answer(304, "As it was", headers=("etag",)),
        ),
        problems=(429, 503),
    )
    async def get_menu(self, request: Request) -> Response:
        items = await self._products.menu()
        sold_out = await self._sold_out({item.station for item in items})
        menu = Menu(
            items=tuple(
                Offer(
                    **dict(item),
                    available=None
                    if (gone := sold_out[item.station]) is None
                    else item.itemType not in gone,
                )
                for item in items
            )
        )
        body = menu.to_json()
        version = etag(body)
        return not_modified(request, version) or Response(
            200, body, headers=(("etag", version), ("cache-control", "no-cache"))
        )

    @Operation(
        "getPicture",
        "A drawing of the item",
        (Answer(200, "The drawing", media_type="image/svg+xml"),),
        problems=(404, 429, 503),
    )
    async def get_picture(self, request: Request) -> Response:
        item_type = paths.item_type(request)
        image = await self._products.image(item_type)
        if image is None:
            raise _no_item(item_type)
        return Response(200, image, "image/svg+xml", (("cache-control", "public, max-age=3600"),))

    @Operation(
        "putSoldOut",
        "Staff: the item is sold out, at the station that makes it",
        (Answer(204, "It is on the station's list"),),
        problems=(404, 429, 503),
    )
    async def put_sold_out(self, request: Request) -> Response:
        return await self._change(request, "PUT")

    @Operation(
        "deleteSoldOut",
        "Staff: the item is available again",
        (Answer(204, "It is not on the station's list"),),
        problems=(404, 429, 503),
    )
    async def delete_sold_out(self, request: Request) -> Response:
        return await self._change(request, "DELETE")

    async def _change(self, request: Request, method: Literal["PUT", "DELETE"]) -> Response:
        """Hand the change to the item's station, which knows the staff's token."""
        item_type = paths.item_type(request)
        item = (await self._products.items([item_type])).get(item_type)
        if item is None:
            raise _no_item(item_type)
        station = AtStation(self._sidecar, item.station)
        try:
            await station.change(method, item_type, request.header("authorization"))
        except WrongToken:
            raise unauthorized() from None
        return Response(204)

    async def _sold_out(self, stations: Iterable[Station]) -> dict[Station, set[int] | None]:
        """Of each station the item types that are sold out, None where it does not say."""
        asked = sorted(stations)
        answers = await gather_all(*(self._sold_out_at(station) for station in asked))
        return dict(zip(asked, answers, strict=True))

    async def _sold_out_at(self, station: Station) -> set[int] | None:
        try:
            return await AtStation(self._sidecar, station).sold_out()
        except (TooManyRequests, ServiceUnavailable) as error:
            self._log(
                "menu.station_unavailable", level="warning", station=station, cause=str(error)
            )
            return None


def _no_item(item_type: int) -> Problem:
    return Problem(404, f"There is no item {item_type}.")
