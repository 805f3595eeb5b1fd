"""A request, as the handlers of an API see it."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from coffeeshop.logs import Trace
from coffeeshop.nesting import cut
from coffeeshop.responses import (
    JSON,
    FieldError,
    IncompleteBody,
    Problem,
    invalid_document,
    invalid_fields,
)

MAX_BODY = 64 * 1024
"""Bytes of a request's body."""
_BOM = b"\xef\xbb\xbf"

Model = TypeVar("Model", bound=BaseModel)


def _refuse_repeated(pairs: list[tuple[str, object]]) -> None:
    """Raises `Problem` 422 for an object that has a field twice."""
    if len({name for name, _ in pairs}) < len(pairs):
        times = Counter(name for name, _ in pairs)
        raise invalid_fields(
            FieldError(field=name, message="must be given once")
            for name in times
            if times[name] > 1
        )


def _parsed(model: type[Model], body: bytes, levels: int | None) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if levels is None or "recursion limit" not in str(error):
            raise
        return model.model_validate_json(cut(body, levels))


class TooLarge(Exception):
    """The body is longer than was allowed; the rest of it was not read."""


class TruncatedBody(Exception):
    """The body ended before its end: its sender hung up, or lied about its length."""


class BodyReader(Protocol):
    async def __call__(self, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` beyond `limit` bytes, and `TruncatedBody`."""
        ...


@dataclass(slots=True)
class Request:
    """One request. `header` gives a field of its header by the name in lower case
    (`coffeeshop.headers`); values are decoded as latin-1, which takes any bytes."""

    method: str
    target: str
    header: Callable[[str], str | None]
    read_body: BodyReader
    path_params: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def query_pairs(self) -> list[tuple[str, str]]:
        """The query's parameters as they stand there. Raises `Problem` 422."""
        query = self.target.partition("?")[2]
        if not query:
            return []
        try:
            return parse_qsl(query, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            error = FieldError(field="query", message="must be UTF-8")
            raise invalid_fields([error]) from None

    def query(self) -> dict[str, str]:
        """The query's parameters by name; the router has refused a repeated one."""
        return dict(self.query_pairs())

    async def json(
        self, model: type[Model], limit: int = MAX_BODY, levels: int | None = None
    ) -> Model:
        """The body as a contract. Raises `Problem` (400, 408, 413, 415 or 422). Where an unknown
        field is refused, so is a repeated one: of two values one would be dropped in silence. What
        is nested deeper than `levels` is cut off, if it is too deep to be read."""
        media_type = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if media_type not in (JSON, "application/cloudevents+json"):
            raise Problem(415, "Send the body as application/json.")
        try:
            body = await self.read_body(limit)
        except TooLarge:
            raise Problem(413, f"The body may have at most {limit} bytes.") from None
        except TruncatedBody:
            raise IncompleteBody(400, "The body ended before its end.") from None
        # A reader may ignore a byte order mark (RFC 8259, 8.1).
        body = body.removeprefix(_BOM)
        try:
            found = _parsed(model, body, levels)
            if model.model_config.get("extra") == "forbid":
                json.loads(body, object_pairs_hook=_refuse_repeated)
            return found
        except ValidationError as error:
            problem = invalid_document(error)
        coding = (self.header("content-encoding") or "identity").strip().lower()
        if problem.status == 400 and coding != "identity":
            detail = "Send the body as it is, without a content-encoding."
            raise Problem(415, detail, headers=(("accept-encoding", "identity"),))
        raise problem

    def trace(self) -> Trace:
        """The caller's trace context, for calls and log lines."""
        return Trace(self.header)
