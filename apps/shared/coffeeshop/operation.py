"""What a route's description says beyond the route itself: OpenAPI is made from it on the host.

An operation stands above its handler, as a decorator:

    @Operation("getThing", "A thing", (Answer(200, "The thing", Thing, JSON),), problems=(404,))
    async def get_thing(self, request: Request) -> Response: ...
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or a header. `schema` is JSON Schema."""

    name: str
    schema: Mapping[str, Any]
    description: str = ""
    required: bool = False
    place: Literal["query", "header"] = "query"


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. `model` is a contract, a type made of contracts, or None for what is no JSON;
    an answer without `media_type` has no body. `headers` always come with it, `optional_headers`
    at times."""

    status: int
    meaning: str
    model: Any = None
    media_type: str = ""
    headers: tuple[str, ...] = ()
    optional_headers: tuple[str, ...] = ()


Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """`problems` are the statuses of its errors, without those that follow from the route: 400,
    401 and 431, or 403, from who may call it, 400, 408, 413, 415 and 422 from its having a body."""

    id: str
    summary: str
    answers: tuple[Answer, ...]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    internal: bool = False
    """Only the API's own sidecar calls it."""

    @property
    def query_names(self) -> frozenset[str] | None:
        """The query's parameters that it takes. None for what takes no field at all, there or in a
        body: that ignores a query."""
        names = frozenset(each.name for each in self.parameters if each.place == "query")
        return names if names or self.body is not None else None

    def __call__(self, handler: Handler) -> Handler:
        """Describe the handler. Routes find it there."""
        handler.operation = self  # type: ignore[attr-defined] # a function's attribute
        return handler


JSON = "application/json"
STREAM = "text/event-stream"

ALIVE = Operation("isAlive", "Whether the API runs; it asks nobody else", (Answer(204, "It runs"),))
EVENT = Operation(
    "deliver",
    "An event, delivered by the API's own sidecar",
    (
        Answer(204, "Handled"),
        Answer(200, "Dead-letter it; or, in bulk, what to do with each", dict[str, Any], JSON),
    ),
    problems=(503,),
    internal=True,
)
"""Without a body of its own: what is not an event is dead-lettered, whatever it is."""
DESCRIPTION = Operation(
    "getDescription",
    "This API's description (OpenAPI)",
    (
        Answer(200, "The description", dict[str, Any], JSON, ("etag",)),
        Answer(304, "As it was", headers=("etag",)),
    ),
)
