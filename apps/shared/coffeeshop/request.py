"""A request, as the handlers of an API see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from coffeeshop.logs import Trace
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
    """One request. `header` gives the first header of a name in lower case, whatever was repeated
    after it; values are decoded as latin-1, which takes any bytes."""

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
        try:
            return parse_qsl(self.target.partition("?")[2], keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            error = FieldError(field="query", message="must be UTF-8")
            raise invalid_fields([error]) from None

    def query(self) -> dict[str, str]:
        """The query's parameters by name; the router has refused a repeated one."""
        return dict(self.query_pairs())

    async def json(self, model: type[Model], limit: int = MAX_BODY) -> Model:
        """The body as a contract. Raises `Problem` (400, 408, 413, 415 or 422)."""
        media_type = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if media_type not in (JSON, "application/cloudevents+json"):
            raise Problem(415, "Send the body as application/json.")
        try:
            body = await self.read_body(limit)
        except TooLarge:
            raise Problem(413, f"The body may have at most {limit} bytes.") from None
        except TruncatedBody:
            raise IncompleteBody(400, "The body ended before its end.") from None
        try:
            # A reader may ignore a byte order mark (RFC 8259, 8.1).
            return model.model_validate_json(body.removeprefix(_BOM))
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
