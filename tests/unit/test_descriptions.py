"""The committed descriptions say what the code does, and events change only as readers can bear."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from coffeeshop.callers import SIDECAR
from scripts.describe import descriptions
from scripts.stack import resources

PUBLISHED = Path(__file__).parent / "published_events.json"
"""The events' schemas as they were first published. Add to it what was released, change nothing."""
LATER_VALUES = {"MadeItem.status": ["PLACED", "QUEUED", "STARTED", "CANCELLED"]}
"""Values that came within version 1, by their field. A reader that does not know them cannot bear
them, so that it must never get one: a station says CANCELLED only in answer to `cancelled`, an
event that came together with it, and the others only where people work, with a counter-api that
knows them (consumers are replaced first)."""

Json = dict[str, Any]


def test_the_committed_descriptions_are_what_the_code_says() -> None:
    for path, text in descriptions.documents().items():
        assert path.read_text() == text, f"{path.name} is out of date: run `make describe`"


@pytest.mark.parametrize("station", resources.stations())
def test_a_station_serves_the_one_description_under_its_own_name(station: str) -> None:
    assert json.loads(descriptions.served(station)) == descriptions.openapi(station)


@pytest.mark.parametrize("api", descriptions.APIS)
def test_every_route_is_described_but_files(api: str) -> None:
    described = descriptions.openapi(api)["paths"]
    for route in descriptions.router(api).routes:
        is_file = type(route.handler).__name__ == "File"
        assert is_file or route.method.lower() in described[route.path], route.path


@pytest.mark.parametrize("api", descriptions.APIS)
def test_only_the_sidecars_routes_are_called_internal(api: str) -> None:
    for route in descriptions.router(api).routes:
        if route.operation is not None:
            assert route.operation.internal == (route.caller.name == SIDECAR), route.path


@pytest.mark.parametrize("api", descriptions.APIS)
def test_operations_have_ids_of_their_own(api: str) -> None:
    ids = [
        o["operationId"]
        for path in descriptions.openapi(api)["paths"].values()
        for o in path.values()
    ]
    assert len(ids) == len(set(ids))


def bodies(document: Json) -> dict[str, Json]:
    """Every object that a client may send, by its schema's name, with those within it."""
    schemas, found = document["components"]["schemas"], {}
    left = [
        operation["requestBody"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation and "sidecar" not in operation["tags"]
    ]
    while left:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(left.pop())):
            if name not in found:
                found[name] = schemas[name]
                left.append(schemas[name])
    return {name: schema for name, schema in found.items() if "properties" in schema}


@pytest.mark.parametrize("api", descriptions.APIS)
def test_a_field_that_is_not_known_is_refused_in_whatever_a_client_sends(api: str) -> None:
    """What it asks for would not be done, and nobody would tell."""
    found = bodies(descriptions.openapi(api))
    assert found
    assert [name for name, each in found.items() if each.get("additionalProperties", True)] == []


def incompatible(old: Json, new: Json) -> list[str]:
    """What readers or writers of the old schemas could not bear. Allowed are a new optional field,
    which old readers ignore and new ones do without, and the values of `LATER_VALUES`."""
    found = []
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            found.append(f"{name} is gone")
            continue
        if set(before.get("required", ())) != set(after.get("required", ())):
            found.append(f"{name}: other fields are required")
        for field, schema in before.get("properties", {}).items():
            was = _bare(schema, old)
            now = _bare(after.get("properties", {}).get(field, {}), new)
            if "enum" in was:
                was["enum"] = {*was["enum"], *LATER_VALUES.get(f"{name}.{field}", ())}
                now = {**now, "enum": set(now.get("enum", ()))}
            if was != now:
                found.append(f"{name}.{field} is another one")
    return found


def _bare(schema: Any, schemas: Json) -> Any:
    """Without what is said for people; an enum stands where it is used."""
    if not isinstance(schema, dict):
        return schema
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    kept = named if "enum" in named else schema
    return {k: _bare(v, schemas) for k, v in kept.items() if k not in ("title", "description")}


def test_events_are_still_readable_by_those_who_know_the_published_ones() -> None:
    published = json.loads(PUBLISHED.read_text())
    assert incompatible(published, descriptions.event_schemas()) == [], "that needs a new version"


def test_each_event_says_its_version() -> None:
    schemas = descriptions.event_schemas()
    for model in descriptions.models():
        assert schemas[model.__name__]["properties"]["version"]["const"] == 1
        assert "version" in schemas[model.__name__]["required"]


def test_what_is_incompatible_is_found_and_a_new_optional_field_is_not() -> None:
    old = descriptions.event_schemas()
    changes: list[Any] = [
        lambda s: s.pop("MadeItem"),
        lambda s: s["MadeItem"]["properties"].pop("reason"),
        lambda s: s["MadeItem"]["properties"].update(itemType={"type": "string"}),
        lambda s: s["MadeItem"]["required"].append("colour"),
        lambda s: s["MadeItem"]["required"].remove("name"),
        lambda s: s["StationOrdered"]["properties"]["version"].update(const=2),
        lambda s: s["StationAnswered"]["properties"]["station"].update(pattern="^x$"),
        lambda s: s["ItemStatus"]["enum"].append("BURNT"),
        lambda s: s["ItemStatus"]["enum"].remove("FAILED"),
    ]
    for change in changes:
        new = copy.deepcopy(old)
        change(new)
        assert incompatible(old, new)
    new = copy.deepcopy(old)
    new["MadeItem"]["properties"]["colour"] = {"type": "string"}
    assert incompatible(old, new) == []
