"""`make describe`: write the descriptions of the APIs from their routes and contracts.

    apps/<program>/…/openapi.json           OpenAPI 3.1, which the API serves
    apps/counter-api/counter/asyncapi.json  AsyncAPI 3.0: the events between the APIs

A component carries its document as a file: it has no code to make one. The stations' is that of a
station called `anystation`; each serves it under its own name.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from coffeeshop.callers import POS, SIDECAR, STAFF, STAFF_VIA_STATION
from coffeeshop.environment import Environment
from coffeeshop.http import ANYONE, Route, Router
from coffeeshop.operation import Answer, Operation, Parameter
from coffeeshop.paths import SCHEMAS as PATH_SCHEMAS
from coffeeshop.responses import ProblemDetails
from coffeeshop.settings import Settings
from coffeeshop.topics import EVENTS, TYPE, Event
from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import say
from scripts.describe import guests
from scripts.stack import resources
from station.api import DESCRIBED_AS

APPS = CHECKOUT / "apps"

VERSION = "1.0.0"
APIS = resources.apis()
ASYNCAPI = APPS / "counter-api" / "counter" / "asyncapi.json"
Json = dict[str, Any]

_TITLES = {
    "product": "product-api: the menu",
    "counter": "counter-api: orders",
}
_SECURITY: Mapping[str, list[Json]] = {
    # A shop without tokens asks for none: that is the empty alternative.
    POS: [{"posToken": []}, {}],
    STAFF: [{"staffToken": []}, {}],
    STAFF_VIA_STATION: [{"staffToken": []}, {}],
    SIDECAR: [{"sidecarToken": []}],
    ANYONE.name: [],
}
_SCHEMES: Json = {
    "posToken": {"type": "http", "scheme": "bearer", "description": "If the shop set one"},
    "staffToken": {"type": "http", "scheme": "bearer", "description": "If the shop set one"},
    "sidecarToken": {"type": "apiKey", "in": "header", "name": "dapr-api-token"},
}
_HEADERS: Json = {
    "location": {"description": "Where the order is", "schema": {"type": "string"}},
    "idempotency-replayed": {
        "description": "Sent if an earlier request with the same key had placed the order",
        "schema": {"type": "string", "const": "true"},
    },
    "etag": {
        "description": "Send it as `If-None-Match`, or with a change as `If-Match`",
        "schema": {"type": "string"},
    },
    "retry-after": {"description": "Seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "ratelimit": {
        "description": "What is left (`r`), and the seconds until there is more (`t`)",
        "schema": {"type": "string", "pattern": '^"[a-z]+";r=[0-9]+;t=[0-9]+$'},
    },
}
_PROBLEMS = {
    400: "The request is malformed",
    401: "A bearer token is needed",
    403: "Only the API's own sidecar may call this",
    404: "There is no such thing",
    409: "It is too late: `detail` says for what",
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body is not declared as JSON, or is encoded (gzip)",
    422: "Some fields cannot be accepted; `errors` names each",
    429: "The shop is busy: try again a little later",
    431: "The Authorization is longer than a token can be",
    503: "Nothing is lost by trying again, with the same Idempotency-Key",
}
_PROBLEM = "application/problem+json"


# The routers, as the guests build them


def router(api: str) -> Router:
    """The API's router over an environment that does nothing: its table is what is wanted."""

    class Nothing:
        async def send(self, _call: object) -> Any:
            raise NotImplementedError

    async def sleep(_seconds: float) -> None:
        raise NotImplementedError

    env = Environment(
        settings=Settings(id_secret="-", station=api),  # noqa: S106 - unused
        transport=Nothing(),
        clock=lambda: datetime.now(UTC),
        entropy=os.urandom,
        sleep=sleep,
    )
    return guests.of_program(_folder(api).name).build(env)


# OpenAPI


def openapi(api: str) -> Json:
    """The API's OpenAPI document."""
    described = [
        (route, route.operation) for route in router(api).routes if route.operation is not None
    ]
    schemas = _Schemas(operation for _, operation in described)
    paths: Json = {}
    for route, operation in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            api, route, operation, schemas
        )
    callers = {route.caller.name for route, _ in described}
    schemes = {name for caller in callers for each in _SECURITY[caller] for name in each}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": _TITLES.get(api, f"{api}-api: a station"),
            "version": VERSION,
            "description": (
                "Errors are problem+json (RFC 9457). Fields may be added to answers: ignore those "
                "that you do not know. A field of a request that is not known is refused. HEAD is "
                "answered wherever GET is, OPTIONS everywhere, with `Allow`. A path that is not "
                "listed is 404, another method 405."
            ),
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Where this document is"}],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {name: _SCHEMES[name] for name in sorted(schemes)},
        },
    }


class _Schemas:
    """The contracts' JSON Schemas, each once, under the names that operations refer to."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        bodies, answers = [], [TypeAdapter(ProblemDetails)]
        for operation in operations:
            if operation.body is not None:
                bodies.append(operation.body)
            answers += [TypeAdapter(a.model) for a in operation.answers if a.model is not None]
        keyed: list[Any] = [(n, "serialization", each) for n, each in enumerate(answers)]
        found, definitions = TypeAdapter.json_schemas(
            keyed, ref_template="#/components/schemas/{model}"
        )
        self._answers = {
            _type_name(each): found[n, "serialization"] for n, each in enumerate(answers)
        }
        _, of_bodies = models_json_schema(
            [(body, "validation") for body in bodies],
            ref_template="#/components/schemas/{model}",
        )
        self.definitions: Json = dict(
            sorted({**of_bodies.get("$defs", {}), **definitions.get("$defs", {})}.items())
        )

    def answer(self, model: Any) -> Json:
        return dict(self._answers[_type_name(TypeAdapter(model))])


def _type_name(adapter: TypeAdapter[Any]) -> str:
    return repr(adapter)


def _operation(api: str, route: Route, operation: Operation, schemas: _Schemas) -> Json:
    names = re.findall(r"\{(\w+)\}", route.path)
    described: Json = {
        "operationId": operation.id + _event_name(route),
        "summary": operation.summary,
        "tags": ["sidecar" if operation.internal else api],
        "security": _SECURITY[route.caller.name],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": dict(PATH_SCHEMAS[name])}
                for name in names
            ),
            *map(_parameter, operation.parameters),
        ],
        "responses": {
            **{str(a.status): _answer(a, schemas) for a in operation.answers},
            **{str(s): _problem(s) for s in _problem_statuses(route, operation)},
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{operation.body.__name__}"}
                }
            },
        }
    return {key: value for key, value in described.items() if value or key == "security"}


def _event_name(route: Route) -> str:
    """The routes of events share an operation; in its id each has the name of its event."""
    _, is_event, name = route.path.partition("/dapr_subscribe_")
    return name if is_event else ""


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _answer(answer: Answer, schemas: _Schemas) -> Json:
    described: Json = {"description": answer.meaning}
    if answer.headers or answer.optional_headers:
        described["headers"] = {
            **{name: {**_HEADERS[name], "required": True} for name in answer.headers},
            **{name: _HEADERS[name] for name in answer.optional_headers},
        }
    if answer.media_type:
        schema = {"type": "string"} if answer.model is None else schemas.answer(answer.model)
        described["content"] = {answer.media_type: {"schema": schema}}
    return described


def _problem_statuses(route: Route, operation: Operation) -> list[int]:
    statuses = set(operation.problems)
    if operation.body is not None:
        statuses |= {400, 408, 413, 415, 422}
    if route.caller.name == SIDECAR:
        statuses.add(403)
    elif route.caller is not ANYONE:
        statuses |= {400, 401, 431}
    return sorted(statuses)


def _problem(status: int) -> Json:
    described: Json = {
        "description": _PROBLEMS[status],
        "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    wait = {429: ("retry-after", "ratelimit"), 503: ("retry-after",)}.get(status)
    if wait:
        described["headers"] = {name: {**_HEADERS[name], "required": True} for name in wait}
    return described


# AsyncAPI


def models() -> tuple[type[Any], ...]:
    """What the events carry, each model once."""
    return tuple(dict.fromkeys(event.model for event in EVENTS))


def event_schemas() -> Json:
    """The JSON Schema of each event and of what it holds, by name."""
    _, schema = models_json_schema(
        [(model, "validation") for model in models()], ref_template="#/components/schemas/{model}"
    )
    definitions: Json = schema["$defs"]
    for model in models():
        # Readers take an event without a version for the first one; writers always say it.
        definitions[model.__name__]["required"].insert(0, "version")
    return definitions


def asyncapi() -> Json:
    """The AsyncAPI document of all events."""
    channels: Json = {}
    operations: Json = {}
    for event in EVENTS:
        name = event.model.__name__
        channels[f"order_{event.name}"] = {
            "address": event.topic("{station}"),
            "description": event.meaning,
            "parameters": {
                "station": {"description": "Any on the menu", "examples": ["barista", "kitchen"]}
            },
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        for action, who in (("send", event.sender), ("receive", event.receiver)):
            operations[f"{who}-{action}s-order_{event.name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/order_{event.name}"},
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Coffeeshop's events",
            "version": VERSION,
            "description": (
                "Each event is the `data` of a CloudEvent 1.0 whose id is the same in a repeat. "
                "Events come at least once and in no order. Readers ignore fields that they do "
                "not know; a change that they could not ignore is a new `version`."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {event.model.__name__: _message(event) for event in EVENTS},
            "schemas": event_schemas(),
        },
    }


def _message(event: Event[Any]) -> Json:
    """The CloudEvent that carries the event's model."""
    return {
        "name": event.model.__name__,
        "payload": {
            "type": "object",
            "required": [
                *("specversion", "id", "source", "type", "subject", "dataschema"),
                *("time", "data"),
            ],
            "properties": {
                "specversion": {"type": "string", "const": "1.0"},
                "id": {"type": "string", "description": "The same in a repeat"},
                "source": {"type": "string", "pattern": "^[a-z]+-api$"},
                "type": {
                    "type": "string",
                    "pattern": f"^{re.escape(TYPE)}order_[a-z]+$",
                    "description": "The channel, whatever the station",
                },
                "subject": {"type": "string", "description": "The order's id"},
                "dataschema": {"type": "string", "const": event.schema},
                "time": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When it was sent, by its source's clock",
                },
                "traceparent": {"type": "string"},
                "tracestate": {"type": "string"},
                "baggage": {"type": "string"},
                "data": {"$ref": f"#/components/schemas/{event.model.__name__}"},
            },
        },
    }


# Files


def _folder(api: str) -> Path:
    return APPS / (resources.STATION if api == DESCRIBED_AS else resources.program(api))


def target(api: str) -> Path:
    """Where the API's document lies: beside the module that serves it."""
    folder = _folder(api)
    return folder / folder.name.removesuffix("-api") / "openapi.json"


def served(api: str) -> bytes:
    """The API's committed document, as it serves it."""
    return guests.api(api).description(api)


def documents() -> dict[Path, str]:
    """Each document's file and its content."""
    described = (*(api for api in APIS if api not in resources.stations()), DESCRIBED_AS)
    for path in (*map(target, described), ASYNCAPI):
        if not path.exists():  # the API is built from it, and it from the API
            path.write_text("{}")
    found = {target(api): openapi(api) for api in described} | {ASYNCAPI: asyncapi()}
    return {
        path: json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        for path, document in found.items()
    }


def main() -> None:
    for path, text in documents().items():
        if path.read_text() != text:
            path.write_text(text)
            say(f"Written: {path.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    console.main(main)
