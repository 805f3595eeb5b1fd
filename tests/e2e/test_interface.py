"""Every row of the interface table, and what is refused: clearly, and leaving nothing behind."""

import base64
import json
import socket
from typing import Any

import pytest

from driver import Driver, order
from product.menu import MENU
from scripts.stack import resources
from scripts.stack.runtime import APIS
from scripts.stack.supervise import Stack

ORDERS = "/v1/api/orders"
NOBODY = "00000000-0000-4000-8000-000000000000"
OTHER_CURSOR = base64.urlsafe_b64encode(f"1:{NOBODY}:0,1h".encode()).decode().rstrip("=")
"""Of an index with two shards, which none has."""


def test_the_menu_has_its_items_with_exact_prices(shop: Driver) -> None:
    answer = shop.product.get("/v1-get-item-types")
    menu = {item["name"]: item for item in answer.json()}
    assert set(menu) == {item.name for item in MENU}
    assert menu["COFFEE_BLACK"]["itemType"] == 1
    assert menu["CROISSANT"]["station"] == "kitchen"
    assert set(menu["LATTE"]) == {"itemType", "name", "price", "station", "image"}
    assert '"price":3.25' in answer.text
    image = shop.product.get(menu["MUFFIN"]["image"])
    assert image.headers["content-type"] == "image/svg+xml"


def test_items_by_types_leave_out_unknown_ones(shop: Driver) -> None:
    by_get = shop.product.get("/v1-get-items-by-types", params={"types": "7,1,77"})
    by_post = shop.product.post("/v1-get-items-by-types", json={"types": "7,1,77"})
    assert [item["itemType"] for item in by_get.json()] == [7, 1]
    assert by_get.content == by_post.content


@pytest.mark.parametrize("api", APIS)
def test_each_api_is_alive(shop: Driver, api: str) -> None:
    client = shop.clients[api]
    assert client.get(f"/healthz/{api}").status_code == 204
    assert client.get("/dapr/subscribe").status_code == 404
    assert client.get("/dapr/config").status_code == 404


BAD_ORDERS: list[tuple[Any, list[str]]] = [
    (order("ann", barista=(99,)), ["baristaItems.0.itemType"]),
    (order("ann", barista=(), kitchen=()), ["baristaItems", "kitchenItems"]),
    (
        order("ann", barista=(7,), kitchen=(7, 1)),
        ["baristaItems.0.itemType", "kitchenItems.1.itemType"],
    ),
    (order("ann", barista=(1,) * 26, kitchen=(7,) * 25), ["baristaItems", "kitchenItems"]),
    (order("ann", barista=(1,) * 51), ["baristaItems"]),
    (order(""), ["loyaltyMemberId"]),
    ({"baristaItems": [{"itemType": "1"}]}, ["loyaltyMemberId", "baristaItems.0.itemType"]),
    ([], ["body"]),
]


@pytest.mark.parametrize(("document", "fields"), BAD_ORDERS)
def test_a_bad_order_is_refused_field_by_field_and_leaves_nothing(
    shop: Driver, document: Any, fields: list[str]
) -> None:
    """G13."""
    before = shop.footprint()
    answer = shop.counter.post(ORDERS, json=document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == fields
    assert shop.footprint() == before


REFUSED: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", ORDERS, {"content": b'{"a":', "headers": {"content-type": "application/json"}}, 400),
    (
        "POST",
        ORDERS,
        {"content": b"\xff\xfe", "headers": {"content-type": "application/json"}},
        400,
    ),
    (
        "POST",
        ORDERS,
        {"content": b"[" * 30_000, "headers": {"content-type": "application/json"}},
        400,
    ),
    ("POST", ORDERS, {"content": b"a=1", "headers": {"content-type": "text/plain"}}, 415),
    ("POST", ORDERS, {"content": b"{}"}, 415),
    ("POST", ORDERS, {"json": {"x": "y" * 70_000}}, 413),
    ("PUT", ORDERS, {}, 405),
    ("GET", "/nowhere", {}, 404),
    ("GET", f"{ORDERS}/{NOBODY}", {}, 404),
    ("GET", f"{ORDERS}/not-an-id", {}, 404),
    ("GET", ORDERS, {}, 422),
    ("GET", f"{ORDERS}?loyaltyMemberId=a&limit=0", {}, 422),
    ("GET", f"{ORDERS}?loyaltyMemberId=a&cursor=nonsense", {}, 422),
    ("GET", f"/v1/api/fulfillment-orders?cursor={OTHER_CURSOR}", {}, 422),
    ("GET", f"{ORDERS}/{NOBODY}?wait=31", {}, 422),
    ("GET", "/v1/api/fulfillment-orders?status=EATEN", {}, 422),
    ("POST", "/dapr_subscribe_BaristaOrderUpdated", {"json": {}}, 403),
    ("POST", "/dapr_subscribe_KitchenOrderUpdated", {"json": {}}, 403),
    ("POST", "/job/sweep", {"json": {}}, 403),
]


@pytest.mark.parametrize(("method", "path", "content", "status"), REFUSED)
def test_what_is_refused_is_a_problem_and_leaves_nothing(
    shop: Driver, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    before = shop.footprint()
    answer = shop.counter.request(method, path, **content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert "Traceback" not in answer.text
    assert shop.footprint() == before


@pytest.mark.parametrize(("padding", "status"), [(0, 201), (70_000, 413)])
def test_a_body_whose_length_is_not_said_is_read_to_its_end(
    shop: Driver, padding: int, status: int
) -> None:
    body = json.dumps(order("chunks")).encode() + b" " * padding
    parts = iter([body[:9], body[9:40], body[40:]])
    headers = {"content-type": "application/json"}
    assert shop.counter.post(ORDERS, content=parts, headers=headers).status_code == status


def test_a_number_of_five_thousand_digits_does_no_harm(shop: Driver) -> None:
    number = b"9" * 5000
    answer = shop.counter.post(
        ORDERS,
        content=b'{"loyaltyMemberId":"a","baristaItems":[{"itemType":' + number + b"}]}",
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    assert shop.counter.get("/healthz/counter").status_code == 204


def test_odd_headers_do_no_harm(shop: Driver, stack: Stack) -> None:
    """Values that are not UTF-8 and repeated headers, as raw bytes. Spin itself answers 500 to the
    first, before it runs a guest."""
    port = shop.counter.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(
            b"GET /healthz/counter HTTP/1.1\r\nhost: x\r\nx-odd: \xff\xfe\r\n"
            b"idempotency-key: a\r\nidempotency-key: b\r\ntraceparent: \xff\r\n"
            b"connection: close\r\n\r\n"
        )
        expected = b"500" if stack.ports.runtime == "spin" else b"204"
        assert raw.recv(100).startswith(b"HTTP/1.1 " + expected)
    assert shop.counter.get("/healthz/counter").status_code == 204


@pytest.mark.parametrize("key", ["", "x" * 256, "a b"])
def test_an_idempotency_key_that_is_none_is_refused(shop: Driver, key: str) -> None:
    answer = shop.post(order("ann"), **{"idempotency-key": key})
    assert answer.status_code == 400


def test_a_body_that_is_too_long_is_not_read_to_its_end(shop: Driver) -> None:
    """The answer comes while most of the body is still to be sent."""
    port = shop.counter.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/api/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 100000000\r\n\r\n" + b"x" * 200_000
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("station", resources.stations())
def test_a_stations_own_refusals(shop: Driver, station: str) -> None:
    client = shop.clients[station]
    assert client.get(f"/v1/api/{station}/orders/{NOBODY}").status_code == 404
    assert client.get(f"/v1/api/{station}/unavailable/x").status_code == 404
    assert client.post(f"/v1/api/{station}/unavailable/1").headers["allow"] == (
        "DELETE, GET, HEAD, OPTIONS, PUT"
    )
    path = f"/dapr_subscribe_{station.capitalize()}Ordered"
    assert client.post(path, json={}).status_code == 403
