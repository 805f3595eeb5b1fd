"""HTTP's corners over the real runtime: what proxies, load balancers and odd clients send."""

import gzip
import json
import socket
from functools import partial
from typing import Any

import httpx
import pytest

from driver import Driver, away, order, somebody
from scripts.stack.runtime import APIS
from scripts.stack.supervise import Stack
from tests.support.waiting import until

ORDERS = "/v1/api/orders"
JSON = "content-type: application/json\r\n"


def raw(at: httpx.Client, request: bytes, *, then_end: bool = False) -> tuple[int, bytes]:
    """The status and the rest of what raw bytes are answered. `then_end` ends our side."""
    assert at.base_url.port is not None
    with socket.create_connection(("127.0.0.1", at.base_url.port), timeout=10) as connection:
        connection.sendall(request)
        if then_end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return int(answer[9:12]), answer


@pytest.mark.parametrize(
    ("api", "path"),
    [
        ("counter", "/"),
        ("counter", "/healthz/counter"),
        ("counter", "/v1/api/menu"),
        ("counter", "/v1/api/fulfillment-orders"),
        ("counter", "/v1/api/fulfillment-orders/events"),
        ("product", "/v1-get-item-types"),
        ("barista", "/v1/api/barista/unavailable"),
    ],
)
def test_head_is_get_without_a_body(shop: Driver, api: str, path: str) -> None:
    at = shop.clients[api]
    head = at.head(path)
    with at.stream("GET", path) as got:
        names = set(got.headers) - {"date"}
        assert head.status_code == got.status_code
        assert set(head.headers) - {"date"} >= names - {"transfer-encoding"}
        if "content-length" in got.headers and api != "counter":
            assert head.headers["content-length"] == got.headers["content-length"]
    # The connection is as good as it was.
    assert at.get(f"/healthz/{api}").status_code == 204


@pytest.mark.parametrize("api", APIS)
def test_the_check_that_load_balancers_make_by_default_is_answered(
    shop: Driver, stack: Stack, api: str
) -> None:
    if stack.ports.runtime == "spin":
        pytest.skip("Spin closes a connection whose request names no host, as HTTP/1.0 may")
    for target in (b"/", b"*"):
        status, answer = raw(shop.clients[api], b"OPTIONS %s HTTP/1.0\r\n\r\n" % target)
        assert status in (200, 204), answer
    assert shop.clients[api].options(f"/healthz/{api}").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_slash_too_many_does_no_harm(shop: Driver, stack: Stack) -> None:
    placed = shop.post(order("ann"))
    url = f"{ORDERS}/{placed.json()['id']}"
    assert shop.counter.get(f"{url}/").status_code == 200
    assert shop.counter.post(f"{ORDERS}/", json=order("ann")).status_code == 201
    if stack.ports.runtime != "spin":  # whose routes decide before a component is asked
        status, answer = raw(
            shop.counter, f"GET /{url} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
        )
        assert status == 200, answer


def test_an_id_in_capitals_is_the_same_id(shop: Driver) -> None:
    placed = shop.place()
    found = shop.counter.get(f"{ORDERS}/{placed['id'].upper()}")
    assert found.json()["id"] == placed["id"]
    done = shop.finished(placed["id"])
    ticket = shop.barista.get(f"/v1/api/barista/orders/{done['id'].upper()}")
    assert ticket.json()["orderId"] == done["id"]


@pytest.mark.parametrize("text", ["x%2F..%2F..%2Fmetadata", "..%2F..%2Fmetadata", "%00", "a%3Fb"])
def test_what_is_no_id_reaches_no_sidecar(shop: Driver, text: str) -> None:
    for at, path in (
        (shop.counter, f"{ORDERS}/{text}"),
        (shop.barista, f"/v1/api/barista/orders/{text}"),
    ):
        answer = at.get(path)
        assert answer.status_code == 404
        assert "nothing at this address" in answer.text or "not one of ours" in answer.text


def test_orders_are_kept_by_nobody_and_streams_are_not_held_back(shop: Driver) -> None:
    placed = shop.post(order("ann"))
    assert placed.headers["cache-control"] == "no-store"
    url = f"{ORDERS}/{placed.json()['id']}"
    assert shop.counter.get(url).headers["cache-control"] == "no-store"
    for path in (f"{url}/events", f"{url}?wait=1"):
        with shop.counter.stream("GET", path) as stream:
            assert stream.headers["cache-control"] == "no-store"
    with shop.counter.stream("GET", "/v1/api/fulfillment-orders/events") as board:
        assert board.headers["x-accel-buffering"] == "no"


BODY = json.dumps(order("cut")).encode()


def post(headers: str, body: bytes) -> bytes:
    return f"POST {ORDERS} HTTP/1.1\r\nhost: x\r\n{JSON}{headers}\r\n".encode() + body


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("content-encoding: gzip\r\n", gzip.compress(BODY), 415),
        ("", b"\xef\xbb\xbf" + BODY, 201),
        ("", BODY.decode().encode("utf-16"), 400),
    ],
)
def test_a_body_that_is_encoded(shop: Driver, headers: str, body: bytes, status: int) -> None:
    answer = shop.counter.post(
        ORDERS,
        content=body,
        headers={
            "content-type": "application/json",
            **dict(line.split(": ") for line in headers.split("\r\n") if line),
        },
    )
    assert answer.status_code == status, answer.text


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize(
    "request_",
    [
        post(f"content-length: {len(BODY) + 50}\r\n", BODY),
        post("transfer-encoding: chunked\r\n", chunked(BODY)),
        post("transfer-encoding: chunked\r\n", chunked(BODY[:9], BODY[9:])),
        post("transfer-encoding: chunked\r\n", b"%x\r\n%s" % (len(BODY) + 9, BODY)),
    ],
)
def test_a_body_that_was_cut_short_is_no_order_even_if_it_parses(
    shop: Driver, request_: bytes
) -> None:
    before = shop.footprint()
    status, answer = raw(shop.counter, request_, then_end=True)
    assert status == 400, answer
    assert shop.footprint() == before


def test_a_chunked_body_that_is_whole_is_an_order(shop: Driver) -> None:
    whole = post(
        "connection: close\r\ntransfer-encoding: chunked\r\n", chunked(BODY) + b"0\r\n\r\n"
    )
    assert raw(shop.counter, whole)[0] == 201


def test_credentials_that_no_sidecar_would_take_are_431(shop: Driver) -> None:
    headers = {"authorization": "Bearer " + "x" * 9_000}
    answer = shop.counter.put("/v1/api/menu/7/unavailable", headers=headers)
    assert answer.status_code == 431
    assert answer.json()["title"] == "Request Header Fields Too Large"


def test_what_the_first_client_of_this_api_sends_is_answered(shop: Driver, stack: Stack) -> None:
    """The requests of its published file, in its words."""
    json_type = {"content-type": "application/json"}
    if stack.ports.runtime != "spin":  # where one port is everybody's, it is the page's
        assert shop.product.get("/", headers=json_type).status_code == 200
    assert shop.product.get("/v1-get-item-types", headers=json_type).status_code == 200
    some = shop.product.request(
        "GET",
        "/v1-get-items-by-types",
        content='{\n  "types": "1,2,3"\n}',
        headers=json_type,
    )
    assert [item["itemType"] for item in some.json()] == [1, 2, 3]
    document = {
        "commandType": 0,
        "orderSource": 0,
        "location": 0,
        "loyaltyMemberId": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "baristaItems": [{"itemType": 3}],
        "kitchenItems": [{"itemType": 8}],
        "timestamp": "2022-07-04T11:38:00.210Z",
    }
    assert shop.post(document).status_code == 201
    assert shop.counter.get("/v1/api/fulfillment-orders", headers=json_type).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": 2}, "quantity"),
        ({"kitchenItem": []}, "kitchenItem"),
        ({"baristaItems": [{"itemType": 1, "note": "hot"}]}, "baristaItems.0.note"),
        ({"loyaltyMemberId": " \u200b"}, "loyaltyMemberId"),
        ({"loyaltyMemberId": "a\0"}, "loyaltyMemberId"),
        ({"timestamp": "2026-11-24T10:00:00"}, "timestamp"),
    ],
)
def test_what_would_not_be_done_is_refused_by_name(
    shop: Driver, changes: dict[str, Any], field: str
) -> None:
    before = shop.footprint()
    answer = shop.post(order("ann") | changes)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert shop.footprint() == before


def test_null_is_no_list(shop: Driver) -> None:
    placed = shop.post(order("ann") | {"kitchenItems": None, "items": None, "timestamp": None})
    assert placed.status_code == 201
    assert [item["station"] for item in placed.json()["items"]] == ["barista"]


def test_equal_names_in_two_unicode_forms_are_one_customer(shop: Driver) -> None:
    name = somebody()
    ids = [shop.place(f"{form}{name}")["id"] for form in ("Jos\u00e9 ", "Jose\u0301 ")]
    for asked in ("Jos\u00e9 ", "Jose\u0301 ", " Jos\u00e9 "):
        found = shop.counter.get(ORDERS, params={"loyaltyMemberId": f"{asked}{name}"})
        assert [each["id"] for each in found.json()["orders"]] == ids[::-1]


def test_a_context_goes_with_an_order_to_the_stations(shop: Driver) -> None:
    """Over the broker: its event has all of it."""
    trace = f"00-{'5' * 32}-{'6' * 16}-01"
    headers = {"traceparent": trace, "tracestate": "a=1", "baggage": "till=7"}
    placed = shop.post(order("ann"), **headers)
    shop.finished(placed.json()["id"])
    for topic, source in (
        ("barista_order_placed", "counter"),
        ("kitchen_order_updated", "kitchen"),
    ):
        event = until(partial(_event, shop, topic, placed.json()["id"]), 5, topic)
        assert event["traceparent"][3:35] == "5" * 32
        assert (event["tracestate"], event["baggage"]) == ("a=1", "till=7")
        assert (event["source"], event["subject"]) == (f"{source}-api", placed.json()["id"])
        assert event["type"] == f"coffeeshop.{topic.partition('_')[2]}"
        assert event["dataschema"].startswith("urn:coffeeshop:Station")


def test_a_context_goes_with_each_order_that_waited_for_a_station(
    shop: Driver, stack: Stack
) -> None:
    """What gathered meanwhile is delivered and reported in bulk: to each order its own."""
    traces = [f"{n}" * 32 for n in (3, 4, 7, 8)]
    with away(stack, "barista"):
        ids = [
            shop.post(
                order("ann", kitchen=()),
                traceparent=f"00-{trace}-{'6' * 16}-01",
                tracestate=f"a={trace[0]}",
                baggage=f"till={trace[0]}",
            ).json()["id"]
            for trace in traces
        ]
    for order_id, trace in zip(ids, traces, strict=True):
        assert shop.finished(order_id)["status"] == "FULFILLED"
        event = until(partial(_event, shop, "barista_order_updated", order_id), 5, order_id)
        assert event["traceparent"][3:35] == trace
        assert (event["tracestate"], event["baggage"]) == (f"a={trace[0]}", f"till={trace[0]}")


def _event(shop: Driver, topic: str, order_id: str) -> Any:
    """The CloudEvent of the order, as the broker has it."""
    entries: Any = shop.valkey(0).xrange(topic)
    events = (json.loads(entry["data"]) for _, entry in entries if order_id in entry["data"])
    return next(events, None)


@pytest.mark.parametrize("baggage", ["nonsense", "a=%zz", 'a="x"', "a=" + "x" * 5000, "=,=,"])
def test_baggage_that_a_sidecar_would_refuse_costs_nobody_an_order(
    shop: Driver, baggage: str
) -> None:
    assert shop.post(order("ann"), baggage=baggage).status_code == 201
