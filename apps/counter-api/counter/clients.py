"""Clients of the other APIs, which the counter reaches by service invocation.

They raise `ServiceUnavailable` where an API does not answer as it should, and `TooManyRequests`.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from coffeeshop.contracts import MenuItem, SoldOutList, Station
from coffeeshop.sidecar import Sidecar
from coffeeshop.transport import NoAnswer, Reply, ServiceUnavailable

_ITEMS = TypeAdapter(tuple[MenuItem, ...])


class TooManyRequests(Exception):
    """An API refused a call because there were too many: nothing of it was done."""


class WrongToken(Exception):
    """A station does not take the token that it was shown."""


class _Client:
    """Of one API."""

    def __init__(self, sidecar: Sidecar, app: str) -> None:
        self._sidecar = sidecar
        self._app = app

    async def _invoke(
        self, target: str, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()
    ) -> Reply:
        try:
            reply = await self._sidecar.invoke(self._app, target, method, headers)
        except NoAnswer as error:
            raise ServiceUnavailable(f"{self._app} did not answer.") from error
        if reply.status == 429:
            raise TooManyRequests(f"{self._app} has too many requests.")
        return reply

    def _failed(self, reply: Reply) -> ServiceUnavailable:
        return ServiceUnavailable(f"{self._app} answered {reply.status}.")

    def _broken(self) -> ServiceUnavailable:
        return ServiceUnavailable(f"{self._app} gave a broken answer.")


class Products(_Client):
    """product-api: the menu."""

    def __init__(self, sidecar: Sidecar) -> None:
        super().__init__(sidecar, "product-api")

    async def menu(self) -> tuple[MenuItem, ...]:
        return await self._items("/v1-get-item-types")

    async def items(self, types: Iterable[int]) -> dict[int, MenuItem]:
        """Those of the item types that are on the menu."""
        found = await self._items(f"/v1-get-items-by-types?types={','.join(map(str, types))}")
        return {item.itemType: item for item in found}

    async def image(self, item_type: int) -> bytes | None:
        """The drawing of an item (SVG); None where there is no such item."""
        reply = await self._invoke(f"/v1-item-images/{item_type}")
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._failed(reply)
        return reply.body

    async def _items(self, target: str) -> tuple[MenuItem, ...]:
        reply = await self._invoke(target)
        if reply.status != 200:
            raise self._failed(reply)
        try:
            return _ITEMS.validate_json(reply.body)
        except ValidationError as error:
            raise self._broken() from error


class AtStation(_Client):
    """A station's list of the items that are sold out."""

    def __init__(self, sidecar: Sidecar, station: Station) -> None:
        super().__init__(sidecar, f"{station}-api")
        self._path = f"/v1/api/{station}/unavailable"

    async def sold_out(self) -> set[int]:
        """The types of the items on it."""
        reply = await self._invoke(self._path)
        if reply.status != 200:
            raise self._failed(reply)
        try:
            listed = SoldOutList.model_validate_json(reply.body)
        except ValidationError as error:
            raise self._broken() from error
        return {each.itemType for each in listed.items}

    async def change(
        self, method: Literal["PUT", "DELETE"], item_type: int, token: str | None
    ) -> None:
        """Put an item on the list, or take it off, with what staff sent as `Authorization`. Raises
        `WrongToken`."""
        headers = (("authorization", token),) if token else ()
        reply = await self._invoke(f"{self._path}/{item_type}", method, headers)
        if reply.status == 401:
            raise WrongToken
        if reply.status != 204:
            raise self._failed(reply)
