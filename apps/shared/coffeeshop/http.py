"""The HTTP side of an API: a table of routes, and errors mapped in one place."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from coffeeshop.logs import Log, traceparent
from coffeeshop.operation import ALIVE, Operation
from coffeeshop.request import BodyReader, Request, TooLarge, TruncatedBody
from coffeeshop.responses import (
    JSON,
    MAX_ERRORS,
    MAX_FIELD,
    FieldError,
    IncompleteBody,
    Parts,
    Problem,
    Response,
    Stream,
    invalid_document,
    invalid_fields,
    service_unavailable,
    unauthorized,
)

__all__ = [
    "ANYONE",
    "JSON",
    "BodyReader",
    "Caller",
    "IncompleteBody",
    "Parts",
    "Problem",
    "Request",
    "Response",
    "Route",
    "Router",
    "Stream",
    "TooLarge",
    "TruncatedBody",
    "health",
    "invalid_document",
    "invalid_fields",
    "service_unavailable",
    "unauthorized",
]

_WITH_CONTENT: tuple[tuple[str, str], ...] = (("cache-control", "no-store"),)
# nginx would keep a stream's parts until it has 4 KB of them.
_STREAMED = (*_WITH_CONTENT, ("x-accel-buffering", "no"))

Handler = Callable[[Request], Awaitable[Response]]
Failures = dict[type[Exception], Problem]
"""What an exception of a handler is answered, by its type. What is not in it is a 500."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who may call a route. `check` raises `Problem` for everybody else."""

    name: str
    check: Callable[[Request], None]


ANYONE = Caller("anyone", lambda _: None)


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may hold `{names}` for whole segments."""

    method: str
    path: str
    handler: Handler
    caller: Caller = ANYONE
    is_described: bool = True
    """Whether the API's description has it, if its handler has an operation."""

    @property
    def operation(self) -> Operation | None:
        """By which its handler is described."""
        return getattr(self.handler, "operation", None) if self.is_described else None


class Router:
    """An API: its table of routes, and what every answer has in common. HEAD is answered wherever
    GET is, OPTIONS everywhere."""

    def __init__(self, routes: Sequence[Route], failures: Failures, log: Log) -> None:
        self.routes = tuple(routes)
        self._failures = failures
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
            route.caller.check(request)
            if "?" in request.target and route.operation is not None:
                _check_query(request, route.operation.query_names)
            return await route.handler(request)
        except Problem as problem:
            return problem.response()
        except Exception as error:
            return self._problem(request, error).response()

    def _problem(self, request: Request, error: Exception) -> Problem:
        problem = self._failures.get(type(error))
        if problem is None:
            self._log("request.failed", level="error", path=request.path, cause=repr(error))
            return Problem(500, "The request could not be handled.")
        if problem.status == 503:
            # Which part did not answer is for the log: a caller can only try again.
            self._log("request.unavailable", level="warning", path=request.path, cause=str(error))
        return problem

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


def _check_query(request: Request, known: frozenset[str] | None) -> None:
    """Refuse what would be dropped in silence: a misspelt filter filters nothing. Raises `Problem`
    422."""
    if known is None:
        return
    given = Counter(name for name, _ in request.query_pairs())
    errors = [
        FieldError(field=name[:MAX_FIELD], message=message)
        for name, times in given.items()
        if (message := _query_fault(name, times, known))
    ]
    if errors:
        raise invalid_fields(errors[:MAX_ERRORS])


def _query_fault(name: str, times: int, known: frozenset[str]) -> str:
    if name not in known:
        return "is not a parameter of this request"
    return "must be given once" if times > 1 else ""


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


@ALIVE
async def health(_request: Request) -> Response:
    """The guest runs; asks nobody else."""
    return Response(204)
