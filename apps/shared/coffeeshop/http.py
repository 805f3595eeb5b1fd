"""The HTTP side of an API: a table of routes, limits, and errors mapped in one place."""

import hmac
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ValidationError

from coffeeshop.contracts import FieldError, ProblemDetails
from coffeeshop.logs import Log, traceparent
from coffeeshop.operation import Operation
from coffeeshop.settings import Settings
from coffeeshop.sidecar import TooManyRequests, Unavailable

MAX_BODY = 64 * 1024
"""Bytes of a request's body. An event above it is dead-lettered: ours are below 10 KB."""

JSON = "application/json"
RETRY_AFTER_SECONDS = "2"

# An id of zeros is none (W3C Trace Context); sidecars send it on when a trace was never begun.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Model = TypeVar("Model", bound=BaseModel)


class TooLarge(Exception):
    """The body is longer than was allowed; the rest of it was not read."""


class BodyReader(Protocol):
    async def __call__(self, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` beyond `limit` bytes."""
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
    _traceparent: str | None = field(default=None, init=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last counts."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def traceparent(self) -> str:
        """The caller's trace context, or an empty text. Looked up when a call or a log line needs
        it: a host's header costs as much as some answers."""
        if self._traceparent is None:
            text = self.header("traceparent") or ""
            self._traceparent = text if _TRACEPARENT.fullmatch(text) else ""
        return self._traceparent

    async def json(self, model: type[Model], limit: int = MAX_BODY) -> Model:
        """The body as a contract. Raises `Problem` (400, 413, 415 or 422)."""
        media_type = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if media_type not in (JSON, "application/cloudevents+json"):
            raise Problem(415, "Send the body as application/json.")
        try:
            return model.model_validate_json(await self.read_body(limit))
        except TooLarge:
            raise Problem(413, f"The body may have at most {limit} bytes.") from None
        except ValidationError as error:
            raise invalid_document(error) from None


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


class Problem(Exception):
    """An answer other than success, as RFC 9457 describes it."""

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
            title=_TITLES[self.status],
            status=self.status,
            detail=self.detail,
            errors=self.errors or None,
        )
        return Response(self.status, document.to_json(), "application/problem+json", self.headers)


_TITLES = {
    400: "Bad request",
    401: "Not authorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid request",
    429: "Too many requests",
    500: "Internal error",
    503: "Try again later",
}


def invalid_document(error: ValidationError) -> Problem:
    """400 for what is not JSON, 422 naming each offending field for what is not a contract."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        return Problem(400, f"The body is not JSON: {errors[0]['msg']}")
    return invalid_fields(
        FieldError(field=".".join(str(part) for part in each["loc"]) or "body", message=each["msg"])
        for each in errors
    )


def invalid_fields(errors: Iterable[FieldError]) -> Problem:
    return Problem(422, "Some fields cannot be accepted.", tuple(errors))


def unauthorized() -> Problem:
    return Problem(401, "A bearer token is needed.", headers=(("www-authenticate", "Bearer"),))


def unavailable(detail: str, headers: tuple[tuple[str, str], ...] = ()) -> Problem:
    return Problem(503, detail, headers=(("retry-after", RETRY_AFTER_SECONDS), *headers))


def too_many() -> Problem:
    detail = "The shop is busy, and nothing was ordered. Repeat the request a little later."
    return Problem(429, detail, headers=(("retry-after", RETRY_AFTER_SECONDS),))


class Caller(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    POS = "pos"
    STAFF = "staff"
    STATION = "station"
    """Staff, whose token the station checks that the call is handed to."""
    SIDECAR = "sidecar"


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may hold `{names}` for whole segments. `operation` is for the API's description."""

    method: str
    path: str
    handler: Handler
    caller: Caller = Caller.ANYONE
    operation: Operation | None = None


class Router:
    """An API: its table of routes, and what every answer has in common."""

    def __init__(self, routes: Sequence[Route], settings: Settings, log: Log) -> None:
        self.routes = tuple(routes)
        self._settings = settings
        self._log = log
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for path, methods in by_path.items():
            if "{" in path:
                pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
                self._patterns.append((pattern, methods))
            else:
                self._fixed[path] = methods

    async def __call__(self, request: Request) -> Response:
        """Answer the request. Never raises."""
        traceparent.set(request.traceparent)
        try:
            route = self._find(request)
            self._authorize(request, route.caller)
            return await route.handler(request)
        except Problem as problem:
            return problem.response()
        except TooManyRequests:
            return too_many().response()
        except Unavailable as error:
            self._log("unavailable", level="warning", path=request.path, cause=str(error))
            return unavailable(f"{error} Repeat the request.").response()
        except Exception as error:
            self._log("failed", level="error", path=request.path, cause=repr(error))
            return Problem(500, "The request could not be handled.").response()

    def _find(self, request: Request) -> Route:
        methods = self._fixed.get(request.path)
        if methods is None:
            for pattern, candidates in self._patterns:
                if match := pattern.fullmatch(request.path):
                    request.path_params = {k: unquote(v) for k, v in match.groupdict().items()}
                    methods = candidates
                    break
            else:
                raise Problem(404, f"There is nothing at {request.path}.")
        if route := methods.get(request.method):
            return route
        allowed = ", ".join(sorted(methods))
        raise Problem(405, f"Use {allowed}.", headers=(("allow", allowed),))

    def _authorize(self, request: Request, caller: Caller) -> None:
        if caller is Caller.POS:
            self._expect_bearer(request, self._settings.pos_token)
        elif caller is Caller.STAFF:
            self._expect_bearer(request, self._settings.staff_token)
        elif caller is Caller.SIDECAR:
            token = request.header("dapr-api-token") or ""
            # An invocation by another app carries our token too: its sidecar hands it to ours.
            if not _same(token, self._settings.app_token) or request.header("dapr-caller-app-id"):
                raise Problem(403, "Only this API's own sidecar may call this.")

    def _expect_bearer(self, request: Request, token: str) -> None:
        given = request.header("authorization") or ""
        if token and not _same(given, f"Bearer {token}"):
            raise unauthorized()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def item_type_of(request: Request) -> int:
    """The item that the path names. Raises `Problem` 404 for what cannot be one."""
    text = request.path_params["itemType"]
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Problem(404, f"{text} is not the number of an item.")
    return int(text)


async def alive(_request: Request) -> Response:
    """The guest runs; asks nobody else."""
    return Response(204)
