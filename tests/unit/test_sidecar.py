"""Calls to the sidecar: what they carry of the caller's trace, and how an event is wrapped."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from pydantic import TypeAdapter

from coffeeshop.contracts import (
    ItemToMake,
    Station,
    StationAnswered,
    StationOrdered,
)
from coffeeshop.events import Delivery, deliver
from coffeeshop.http import Request
from coffeeshop.logs import MAX_BAGGAGE, Trace, traceparent
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from coffeeshop.topics import CANCELLED, PLACED, UPDATED, Event, publish
from coffeeshop.transport import Call, Reply
from scripts.describe import descriptions

ID = "5a1b2c3d-0000-4000-8000-00000000abcd"
OTHER_ID = "5a1b2c3d-0000-4000-8000-00000000abce"
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDERED = StationOrdered(
    orderId=ID, expiresAt=NOW, items=(ItemToMake(id="i", itemType=1, name="LATTE"),)
)
ANSWERED = StationAnswered(orderId=ID, station=Station.BARISTA, items=(), answeredAt=NOW)


class Calls:
    """Takes calls, and confirms all of them."""

    def __init__(self) -> None:
        self.made: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.made.append(call)
        return Reply(204)


def carried(**headers: str) -> dict[str, str]:
    return dict(Trace(headers.get).headers())


def test_a_call_carries_the_whole_context_on() -> None:
    given = {"traceparent": PARENT, "tracestate": "a=1,b=2", "baggage": "shop=7;p=1, till=a%20b"}
    assert carried(**given) == given


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, set()),
        ({"baggage": "a=1"}, {"baggage"}),
        ({"tracestate": "a=1"}, set()),
        ({"traceparent": "nonsense", "tracestate": "a=1"}, set()),
        ({"traceparent": PARENT, "tracestate": "a=" + "x" * 600}, {"traceparent"}),
        ({"traceparent": PARENT, "tracestate": "a=\xe9"}, {"traceparent"}),
        *(
            ({"traceparent": PARENT, "baggage": bad}, {"traceparent"})
            for bad in (
                *("a", "=1", "a=1,", "a=b c", 'a="x"', "a=%zz", "a=1;", "a=\\", "a=\xe9", ",", " "),
                ",".join(["a=1"] * 65),
                "a=" + "x" * MAX_BAGGAGE,
            )
        ),
    ],
)
def test_what_a_sidecar_would_refuse_is_left_out(given: dict[str, str], kept: set[str]) -> None:
    assert set(carried(**given)) == kept


def test_baggage_that_is_made_to_take_long_does_not() -> None:
    assert carried(baggage="a=1" + ";a" * 1000 + "\\") == {}
    assert carried(baggage=" " * 2000) == {}


def test_a_calls_headers_have_the_context() -> None:
    calls = Calls()

    async def call() -> None:
        traceparent.set(Trace({"traceparent": PARENT, "baggage": "a=1"}.get))
        await Sidecar(calls, "token").call("GET", "/v1.0/metadata")

    asyncio.run(call())
    assert set(calls.made[0].headers) == {
        ("dapr-api-token", "token"),
        ("traceparent", PARENT),
        ("baggage", "a=1"),
    }


def published(event: Event[Any], station: Station, *documents: Any, baggage: str = "") -> Call:
    calls = Calls()

    async def in_a_request() -> None:
        traceparent.set(Trace({"baggage": baggage}.get))
        await publish(Sidecar(calls, ""), event, station, documents, NOW)

    asyncio.run(in_a_request())
    (call,) = calls.made
    return call


def test_an_event_is_published_as_a_cloudevent_of_ours() -> None:
    call = published(PLACED, Station.BARISTA, ORDERED)
    assert call.target == "/v1.0/publish/pubsub/barista_order_placed"
    assert ("content-type", "application/cloudevents+json") in call.headers
    assert json.loads(call.body) == {
        "specversion": "1.0",
        "id": f"{ID}.barista.placed",
        "source": "counter-api",
        "type": "coffeeshop.order_placed",
        "subject": ID,
        "dataschema": "urn:coffeeshop:StationOrdered:1",
        "time": "2026-11-24T12:00:00.000+00:00",
        "datacontenttype": "application/json",
        "data": json.loads(ORDERED.to_json()),
    }


def test_events_in_bulk_are_each_a_cloudevent() -> None:
    other = ANSWERED.model_copy(update={"orderId": OTHER_ID})
    call = published(UPDATED, Station.BARISTA, ANSWERED, other, baggage="a=1")
    assert call.target == "/v1.0/publish/bulk/pubsub/barista_order_updated"
    entries = json.loads(call.body)
    assert [entry["entryId"] for entry in entries] == [
        f"{ID}.barista.updated",
        f"{OTHER_ID}.barista.updated",
    ]
    for entry in entries:
        assert entry["contentType"] == "application/cloudevents+json"
        event = entry["event"]
        assert (event["id"], event["baggage"]) == (entry["entryId"], "a=1")
        assert (event["source"], event["type"]) == ("barista-api", "coffeeshop.order_updated")
        assert event["dataschema"] == "urn:coffeeshop:StationAnswered:1"


@pytest.mark.parametrize(
    ("event", "document"), [(PLACED, ORDERED), (CANCELLED, ORDERED), (UPDATED, ANSWERED)]
)
def test_an_event_is_as_its_description_says(event: Event[Any], document: Any) -> None:
    description = descriptions.asyncapi()
    payload = description["components"]["messages"][event.model.__name__]["payload"]
    schema = {**payload, "components": description["components"]}
    sent = json.loads(published(event, Station.BARISTA, document, baggage="a=1").body)
    jsonschema_rs.validator_for(schema).validate(sent)
    assert f"{{station}}_{sent['type'].partition('.')[2]}" in [
        channel["address"] for channel in description["channels"].values()
    ]


def test_a_delivered_event_goes_on_with_what_it_carries() -> None:
    """The sidecar makes a header of its `traceparent` alone."""
    event = json.loads(published(PLACED, Station.BARISTA, ORDERED, baggage="till=7").body)
    body = json.dumps(event | {"tracestate": "a=1"}).encode()
    seen: list[dict[str, str]] = []

    async def read(limit: int) -> bytes:
        return body

    async def handle(_events: object) -> None:
        seen.append(dict(traceparent.get().headers()))

    async def delivered(headers: dict[str, str]) -> None:
        request = Request("POST", "/x", headers.get, read)
        traceparent.set(request.trace())
        await deliver(request, StationOrdered, handle, lambda *_, **__: None)

    headers = {"content-type": "application/cloudevents+json", "traceparent": PARENT}
    asyncio.run(delivered(headers))
    assert seen == [{"traceparent": PARENT, "tracestate": "a=1", "baggage": "till=7"}]


@pytest.mark.parametrize("odd", [7, [], {}, True, None, "\0", 'a="'])
def test_an_event_with_odd_baggage_is_an_event_all_the_same(odd: Any) -> None:
    delivery = Delivery.model_validate_json(
        json.dumps({"data": {}, "baggage": odd, "tracestate": odd})
    )
    assert delivery.data == {}


@pytest.mark.parametrize("key", ["a/b", "..", "a?b=c", "a#b", "a b", "a%2Fb"])
def test_a_key_stays_one_part_of_the_path(key: str) -> None:
    calls = Calls()
    asyncio.run(Store(Sidecar(calls, ""), "store", TypeAdapter(int)).get(key))
    head, _, last = calls.made[0].target.rpartition("/")
    assert head == "/v1.0/state/store"
    assert not set(last) & set("?# ")
