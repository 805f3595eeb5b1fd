"""The HTTP side of an API: a table of routes, and errors mapped in one place."""

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import unquote

from coffeeshop.answers import (
    JSON,
    Incomplete,
    Parts,
    Problem,
    Response,
    Stream,
    invalid_document,
    invalid_fields,
    too_many,
    unauthorized,
    unavailable,
)
from coffeeshop.logs import Log, traceparent
from coffeeshop.operation import Operation
from coffeeshop.request import BodyReader, CutShort, Request, TooLarge
from coffeeshop.settings import Settings
from coffeeshop.sidecar import TooManyRequests, Unavailable

__all__ = [
    "JSON",
    "BodyReader",
    "Caller",
    "CutShort",
    "Incomplete",
    "Parts",
    "Problem",
    "Request",
    "Response",
    "Route",
    "Router",
    "Stream",
    "TooLarge",
    "alive",
    "invalid_document",
    "invalid_fields",
    "item_type_of",
    "too_many",
    "unauthorized",
    "unavailable",
]

MAX_CREDENTIALS = 2048
"""Characters of an `Authorization`. It is handed on to stations, and a sidecar refuses a request
whose headers have 8 KB together."""
_WITH_CONTENT: tuple[tuple[str, str], ...] = (("cache-control", "no-store"),)
# nginx would keep a stream's parts until it has 4 KB of them.
_STREAMED = (*_WITH_CONTENT, ("x-accel-buffering", "no"))
_ORDER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


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
    """An API: its table of routes, and what every answer has in common. HEAD is answered wherever
    GET is, OPTIONS everywhere."""

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
            _complete(path, methods)
            if "{" in path:
                pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
                self._patterns.append((pattern, methods))
            else:
                self._fixed[path] = methods
        # Of the whole API (RFC 9110, 9.3.7), and what load balancers ask for by default.
        every = {m: route for methods in by_path.values() for m, route in methods.items()}
        self._whole = {"OPTIONS": _options("*", every)}

    async def __call__(self, request: Request) -> Response:
        """Answer the request. Never raises."""
        traceparent.set(request.trace())
        answer = await self._answer(request)
        if answer.body or answer.stream is not None:
            answer = _as_sent(answer)
        return answer if request.method != "HEAD" else replace(answer, is_head=True)

    async def _answer(self, request: Request) -> Response:
        try:
            route = self._find(request)
            self._authorize(request, route.caller)
            if "id" in request.path_params:
                request.path_params["id"] = _order_id(request.path_params["id"])
            return await route.handler(request)
        except Problem as problem:
            return problem.response()
        except TooManyRequests:
            return too_many().response()
        except Unavailable as error:
            # Which part did not answer is for the log: a customer can only try again.
            self._log("unavailable", level="warning", path=request.path, cause=str(error))
            return unavailable("The shop cannot answer now. Repeat the request.").response()
        except Exception as error:
            self._log("failed", level="error", path=request.path, cause=repr(error))
            return Problem(500, "The request could not be handled.").response()

    def _find(self, request: Request) -> Route:
        path = request.path
        methods = self._methods(path, request)
        if methods is None:
            # A slash too many is forgiven: at the end, or twice. Nobody looks for one first.
            plain = re.sub("//+", "/", path)
            methods = self._methods(plain.rstrip("/") or "/", request)
        if methods is None:
            if request.method != "OPTIONS" or path not in ("*", "/"):
                raise Problem(404, "There is nothing at this address.")
            methods = self._whole
        if route := methods.get(request.method):
            return route
        allowed = ", ".join(sorted(methods))
        raise Problem(405, f"Use {allowed}.", headers=(("allow", allowed),))

    def _methods(self, path: str, request: Request) -> Mapping[str, Route] | None:
        methods = self._fixed.get(path)
        if methods is None:
            for pattern, candidates in self._patterns:
                if match := pattern.fullmatch(path):
                    request.path_params = {k: unquote(v) for k, v in match.groupdict().items()}
                    return candidates
        return methods

    def _authorize(self, request: Request, caller: Caller) -> None:
        if caller is Caller.POS:
            self._expect_bearer(request, self._settings.pos_token)
        elif caller is Caller.STAFF:
            self._expect_bearer(request, self._settings.staff_token)
        elif caller is Caller.STATION:
            _credentials(request)
        elif caller is Caller.SIDECAR:
            self._expect_sidecar(request)

    def _expect_sidecar(self, request: Request) -> None:
        """403 is said before anything is read or done, and repeated by the sidecar
        (k8s/base/dapr/resiliency.yaml): a token that is being changed loses no event."""
        token = request.header("dapr-api-token") or ""
        if not _same(token, self._settings.app_token):
            cause = "another token" if token else "no token"
        elif request.header("dapr-caller-app-id"):
            # An invocation by another app carries our token too: its sidecar hands it to ours.
            cause = "an invocation by another app"
        else:
            return
        self._log("sidecar.refused", level="warning", path=request.path, cause=cause)
        raise Problem(403, "Only this API's own sidecar may call this.")

    def _expect_bearer(self, request: Request, token: str) -> None:
        if not token:
            return
        scheme, _, given = _credentials(request).partition(" ")
        if scheme.lower() != "bearer" or not _same(given.strip(), token):
            raise unauthorized()


def _complete(path: str, methods: dict[str, Route]) -> None:
    """Give a path the methods that follow from the others."""
    if "GET" in methods:
        methods["HEAD"] = methods["GET"]
    methods["OPTIONS"] = _options(path, methods)


def _options(path: str, methods: Mapping[str, Route]) -> Route:
    answer = Response(204, headers=(("allow", ", ".join(sorted({*methods, "OPTIONS"}))),))

    async def tell(_request: Request) -> Response:
        return answer

    return Route("OPTIONS", path, tell)


def _as_sent(answer: Response) -> Response:
    """With what every answer says that has content, unless its handler has said it."""
    wanted = _STREAMED if answer.stream is not None else _WITH_CONTENT
    if answer.headers:
        said = {name for name, _ in answer.headers}
        wanted = (*answer.headers, *(header for header in wanted if header[0] not in said))
    return Response(answer.status, answer.body, answer.media_type, wanted, answer.stream)


def _credentials(request: Request) -> str:
    """Raises `Problem` 431 for what is too long to be handed on."""
    given = request.header("authorization") or ""
    if len(given) > MAX_CREDENTIALS:
        raise Problem(431, f"Authorization may have at most {MAX_CREDENTIALS} characters.")
    return given


def _same(given: str, expected: str) -> bool:
    # A header's bytes as they came; a token that is not ASCII is sent in UTF-8.
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())


def _order_id(text: str) -> str:
    """An order's id in its one form. Raises `Problem` 404 for what cannot be one."""
    order_id = text.lower()
    if not _ORDER_ID.fullmatch(order_id):
        raise Problem(404, "There is no such order: its id is not one of ours.")
    return order_id


def item_type_of(request: Request) -> int:
    """The item that the path names. Raises `Problem` 404 for what cannot be one."""
    text = request.path_params["itemType"]
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Problem(404, "There is no such item: its number has one to four digits.")
    return int(text)


async def alive(_request: Request) -> Response:
    """The guest runs; asks nobody else."""
    return Response(204)
