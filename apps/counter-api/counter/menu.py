"""The menu as the counter shows it: product-api's items, with what the stations have sold out.

A page in a browser reaches counter-api alone; the rest comes by service invocation.
"""

from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from coffeeshop.concurrency import together
from coffeeshop.contracts import Menu, MenuItem, Offer, Station, UnavailableList
from coffeeshop.environment import Environment
from coffeeshop.files import etag, unless_known
from coffeeshop.http import Problem, Request, Response, item_type_of, unauthorized
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar, TooManyRequests, Unavailable
from coffeeshop.transport import NoAnswer, Reply

_ITEMS = TypeAdapter(tuple[MenuItem, ...])


class MenuBoard:
    def __init__(self, env: Environment, log: Log) -> None:
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)

    async def get_menu(self, request: Request) -> Response:
        items = await self._items("/v1-get-item-types")
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
        return unless_known(request, version) or Response(
            200, body, headers=(("etag", version), ("cache-control", "no-cache"))
        )

    async def get_picture(self, request: Request) -> Response:
        item_type = item_type_of(request)
        reply = await self._invoke("product-api", f"/v1-item-images/{item_type}")
        if reply.status == 404:
            raise Problem(404, f"There is no item {item_type}.")
        if reply.status != 200:
            raise Unavailable(f"product-api answered {reply.status}.")
        return Response(
            200, reply.body, "image/svg+xml", (("cache-control", "public, max-age=3600"),)
        )

    async def put_sold_out(self, request: Request) -> Response:
        return await self._change(request, "PUT")

    async def delete_sold_out(self, request: Request) -> Response:
        return await self._change(request, "DELETE")

    async def _change(self, request: Request, method: str) -> Response:
        """Hand the change to the item's station, which knows the staff's token."""
        item_type = item_type_of(request)
        items = await self._items(f"/v1-get-items-by-types?types={item_type}")
        if not items:
            raise Problem(404, f"There is no item {item_type}.")
        station = items[0].station
        token = request.header("authorization")
        reply = await self._invoke(
            f"{station}-api",
            f"/v1/api/{station}/unavailable/{item_type}",
            method,
            (("authorization", token),) if token else (),
        )
        if reply.status == 401:
            raise unauthorized()
        if reply.status != 204:
            raise Unavailable(f"{station}-api answered {reply.status}.")
        return Response(204)

    async def _items(self, target: str) -> tuple[MenuItem, ...]:
        reply = await self._invoke("product-api", target)
        try:
            if reply.status == 200:
                return _ITEMS.validate_json(reply.body)
        except ValidationError as error:
            raise Unavailable("The menu cannot be read.") from error
        raise Unavailable(f"product-api answered {reply.status}.")

    async def _sold_out(self, stations: Iterable[Station]) -> dict[Station, set[int] | None]:
        """Of each station the item types that are sold out, None where it does not say."""
        asked = sorted(stations)
        answers = await together(*(self._sold_out_at(station) for station in asked))
        return dict(zip(asked, answers, strict=True))

    async def _sold_out_at(self, station: Station) -> set[int] | None:
        try:
            reply = await self._invoke(f"{station}-api", f"/v1/api/{station}/unavailable")
            if reply.status == 200:
                listed = UnavailableList.model_validate_json(reply.body)
                return {each.itemType for each in listed.items}
            cause = f"{station}-api answered {reply.status}."
        except (TooManyRequests, Unavailable, ValidationError) as error:
            cause = str(error)
        self._log("menu.station_silent", level="warning", station=station, cause=cause)
        return None

    async def _invoke(
        self,
        app: str,
        target: str,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        try:
            reply = await self._sidecar.invoke(app, target, method, headers)
        except NoAnswer as error:
            raise Unavailable(f"{app} did not answer.") from error
        if reply.status == 429:
            raise TooManyRequests
        return reply
