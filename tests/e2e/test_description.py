"""The descriptions from outside: served as committed, valid, and true of whatever comes.

`python -m pytest tests/e2e/test_description.py` tries a few requests of each operation;
`COFFEESHOP_EXAMPLES=100` that many.
"""

import json
import os
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from browser import NPM
from driver import Driver, away
from scripts.describe import descriptions
from scripts.operate.logs import traps
from scripts.provision import node
from scripts.stack.supervise import Stack

EXAMPLES = int(os.environ.get("COFFEESHOP_EXAMPLES") or 8)
"""Requests of each operation, half of them made to be refused."""
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STREAMS = ("/events",)


@pytest.mark.parametrize("api", descriptions.APIS)
def test_each_api_serves_its_description(shop: Driver, stack: Stack, api: str) -> None:
    client = shop.clients[api]
    committed = descriptions.served(api)
    # On Spin's one port the first is counter-api's.
    has_own_port = api == "counter" or stack.ports.runtime != "spin"
    for path in (*(["/openapi.json"] if has_own_port else []), f"/openapi/{api}.json"):
        answer = client.get(path)
        assert answer.content == committed
        assert answer.headers["content-type"] == "application/json"


def test_the_events_description_is_served_and_is_asyncapi(shop: Driver) -> None:
    answer = shop.counter.get("/asyncapi.json")
    assert answer.content == descriptions.ASYNCAPI.read_bytes()
    specs = node.modules(NPM, "AsyncAPI's schemas") / "@asyncapi" / "specs" / "schemas"
    schema = json.loads((specs / "3.0.0-without-$id.json").read_text())
    jsonschema_rs.validator_for(schema).validate(answer.json())


def test_published_events_are_as_described(shop: Driver, stack: Stack) -> None:
    shop.finished(shop.place()["id"])
    with away(stack, "kitchen"):
        shop.counter.post(f"/v1/api/orders/{shop.place()['id']}/cancel")
    document = descriptions.asyncapi()
    for channel in document["channels"].values():
        (name,) = channel["messages"]
        validator = jsonschema_rs.validator_for(
            {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        )
        for station in ("barista", "kitchen"):
            topic = channel["address"].format(station=station)
            events = shop.events(topic)
            assert events, topic
            for event in events[-50:]:
                validator.validate(event)


def operations(api: str) -> list[tuple[str, str]]:
    return [
        (method.upper(), path)
        for path, methods in descriptions.openapi(api)["paths"].items()
        for method in methods
        if not path.endswith(STREAMS)
    ]


@pytest.mark.parametrize(
    ("api", "method", "path"),
    [(api, method, path) for api in descriptions.APIS for method, path in operations(api)],
)
def test_no_answer_is_outside_the_description(
    shop: Driver, stack: Stack, api: str, method: str, path: str
) -> None:
    """G14: whatever is sent, right or wrong, by schemathesis."""
    if path == "/" and api != "counter" and stack.ports.runtime == "spin":
        pytest.skip("where one port is everybody's, / is the page")
    client = shop.clients[api]
    base = str(client.base_url).rstrip("/")
    schema = schemathesis.openapi.from_dict(descriptions.openapi(api))
    operation = schema[path][method]

    def holds(case: Any) -> None:
        # Waiting is tested elsewhere; here it would take its time.
        if case.query:
            case.query.pop("wait", None)
        response = case.call(base_url=base)
        case.validate_response(response, checks=CHECKS)
        if response.status_code not in (429, 503):
            case.validate_response(response, checks=[not_a_server_error])

    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
        strategy = operation.as_strategy(generation_mode=mode)
        run = settings(
            max_examples=max(1, EXAMPLES // 2),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(case=strategy)(holds))
        try:
            seed(7)(run)()
        except Unsatisfiable:
            # Nothing can be wrong about a request without parameters.
            assert mode is schemathesis.GenerationMode.NEGATIVE
            assert not operation.definition.raw.get("parameters")


def test_nothing_of_that_was_a_trap(stack: Stack) -> None:
    assert not traps(stack.logs())
