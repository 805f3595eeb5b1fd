"""Answers: success, and problems as RFC 9457 describes them, in words for people."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

JSON = "application/json"
RETRY_AFTER_SECONDS = "2"
MAX_ERRORS = 20
"""Fields that one answer names."""
MAX_FIELD = 100
"""Characters of a field's name: it may be the sender's own invention."""

PHRASES: Mapping[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""A status's own phrase (RFC 9110, RFC 6585): with `about:blank` the title says no more."""


Stream = Callable[["Parts"], Awaitable[None]]


class Parts(Protocol):
    """Where a streamed body goes."""

    async def send(self, part: bytes) -> bool:
        """Send a part. False if the caller has hung up."""
        ...


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    stream: Stream | None = None
    """The body in parts as they come, instead of `body`."""
    is_head: bool = False
    """Headers alone, as they would be with the body (HEAD)."""


class FieldError(BaseModel):
    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457, with the offending fields of a request that could not be accepted."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: tuple[FieldError, ...] | None = None


class Problem(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers

    def response(self) -> Response:
        document = ProblemDetails(
            title=PHRASES[self.status],
            status=self.status,
            detail=self.detail,
            errors=self.errors or None,
        )
        body = document.model_dump_json(exclude_none=True).encode()
        return Response(self.status, body, "application/problem+json", self.headers)


class IncompleteBody(Problem):
    """The body did not come, or not to its end: what it would have said is not known."""


_WHEN = "must be a date and a time with its zone, such as 2026-11-24T10:00:00Z"
_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a text",
    "string_unicode": "must be a text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "may have at most {max_length} characters",
    "string_pattern_mismatch": "does not have the form that is wanted",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "tuple_type": "must be a list",
    "too_long": "may have at most {max_length} entries",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "timezone_aware": _WHEN,
    "datetime_type": _WHEN,
    "datetime_parsing": _WHEN,
    "datetime_from_date_parsing": _WHEN,
    "datetime_object_invalid": _WHEN,
}
"""What pydantic's kinds of errors are called here; its own words are for developers."""


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "value_error":  # ours: `ValueError` in a contract
        return str(error["ctx"]["error"])
    if error["type"] == "string_too_short" and error["ctx"]["min_length"] == 1:
        return "must not be empty"
    words = _WORDS.get(error["type"], "cannot be accepted as it is")
    return words.format(**error.get("ctx", {}))


def invalid_document(error: ValidationError) -> Problem:
    """400 for what is not JSON, 422 naming each offending field for what is not a contract."""
    errors = error.errors(include_url=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        return Problem(400, f"The body is not JSON: {errors[0]['ctx']['error']}.")
    return invalid_fields(
        FieldError(
            field=".".join(str(part) for part in each["loc"])[:MAX_FIELD] or "body",
            message=_message(each),
        )
        for each in errors[:MAX_ERRORS]
    )


def invalid_fields(errors: Iterable[FieldError]) -> Problem:
    return Problem(422, "Some fields cannot be accepted.", tuple(errors))


def unauthorized() -> Problem:
    return Problem(401, "A bearer token is needed.", headers=(("www-authenticate", "Bearer"),))


def service_unavailable(detail: str, headers: tuple[tuple[str, str], ...] = ()) -> Problem:
    return Problem(503, detail, headers=(("retry-after", RETRY_AFTER_SECONDS), *headers))
