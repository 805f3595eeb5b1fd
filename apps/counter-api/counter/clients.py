"""Clients of the other APIs, which the counter reaches by service invocation.

They raise `ServiceUnavailable` where an API does not answer as it should, and `TooManyRequests`.
"""

from collections.abc import Iterable
from typing import Literal, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from coffeeshop.contracts import MenuItem, Station
from coffeeshop.responses import Problem, ProblemDetails
from coffeeshop.sidecar import Sidecar
from coffeeshop.sold_out import SoldOutList
from coffeeshop.tickets import TicketPage
from coffeeshop.transport import NoAnswer, Reply, ServiceUnavailable

Model = TypeVar("Model", bound=BaseModel)

_ITEMS = TypeAdapter(tuple[MenuItem, ...])
_REFUSALS = (404, 409, 422)
"""What a station says to its staff, beside successes."""


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
        self,
        target: str,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Reply:
        try:
            reply = await self._sidecar.invoke(self._app, target, method, headers, body)
        except NoAnswer as error:
            raise ServiceUnavailable(f"{self._app} did not answer.") from error
        if reply.status == 429:
            raise TooManyRequests(f"{self._app} has too many requests.")
        return reply

    def _parsed(self, reply: Reply, model: type[Model]) -> Model:
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise self._broken() from error

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
    """A station: its list of the items that are sold out, and what its staff ask and say. With what
    they sent as `Authorization`, which the station checks: else `WrongToken` is raised."""

    def __init__(self, sidecar: Sidecar, station: Station) -> None:
        super().__init__(sidecar, f"{station}-api")
        self._base = f"/v1/api/{station}"
        self._path = f"{self._base}/unavailable"

    async def sold_out(self) -> set[int]:
        """The types of the items on it."""
        reply = await self._invoke(self._path)
        if reply.status != 200:
            raise self._failed(reply)
        return {each.itemType for each in self._parsed(reply, SoldOutList).items}

    async def change(
        self, method: Literal["PUT", "DELETE"], item_type: int, token: str | None
    ) -> None:
        """Put an item on the list, or take it off."""
        reply = await self._by_staff(f"{self._path}/{item_type}", method, token)
        if reply.status != 204:
            raise self._failed(reply)

    async def page(self, query: str, token: str | None) -> TicketPage:
        """Tickets as the station lists them. Raises `Problem` for what it refuses."""
        _, page = await self._asked("GET", f"/tickets?{query}", token, TicketPage)
        return page

    async def ask(
        self,
        method: Literal["GET", "POST"],
        target: str,
        token: str | None,
        model: type[BaseModel],
        *,
        body: bytes = b"",
        if_match: str | None = None,
    ) -> Reply:
        """The station's own answer, which has such a document: 200, or 412 with the ticket as it
        is. Raises `Problem` for what it refuses."""
        # It is parsed too: one that was cut short looks whole.
        reply, _ = await self._asked(method, target, token, model, body, if_match)
        return reply

    async def _asked(
        self,
        method: Literal["GET", "POST"],
        target: str,
        token: str | None,
        model: type[Model],
        body: bytes = b"",
        if_match: str | None = None,
    ) -> tuple[Reply, Model]:
        extra = (("if-match", if_match),) if if_match else ()
        reply = await self._by_staff(self._base + target, method, token, extra, body)
        if reply.status in (200, 412):
            return reply, self._parsed(reply, model)
        if reply.status in _REFUSALS:
            raise self._refusal(reply)
        raise self._failed(reply)

    async def _by_staff(
        self,
        target: str,
        method: str,
        token: str | None,
        extra: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Reply:
        headers = (("authorization", token),) if token else ()
        reply = await self._invoke(target, method, (*headers, *extra), body)
        if reply.status == 401:
            raise WrongToken
        return reply

    def _refusal(self, reply: Reply) -> Problem:
        said = self._parsed(reply, ProblemDetails)
        return Problem(reply.status, said.detail or "", said.errors or ())
