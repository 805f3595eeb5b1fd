"""Cancelling an order: each station decides by what it has begun (W13)."""

from functools import partial
from uuid import uuid4

from counter.ids import derived_id
from driver import Driver, Json, away, order
from scripts.stack.supervise import Stack
from test_coffee import coffee
from tests.support.waiting import until

ORDERS = "/v1/api/orders"


def station_records(shop: Driver, order_id: str) -> Json:
    """What each station recorded of the order's items, by their ids."""
    records: list[Json] = [
        client.get(f"/v1/api/{station}/orders/{order_id}").json()
        for station, client in (("barista", shop.barista), ("kitchen", shop.kitchen))
    ]
    return {item["id"]: item for record in records for item in record["items"]}


def test_an_order_that_is_not_there_never_will_be(shop: Driver, stack: Stack) -> None:
    """G7: its key is used up: a request that is still on its way makes nothing of it."""
    key = str(uuid4())
    order_id = derived_id(stack.secrets["id_secret"].encode(), "", key)
    for _ in range(2):
        assert shop.counter.post(f"{ORDERS}/{order_id}/cancel").status_code == 404
    answer = shop.post(order("ann"), **{"idempotency-key": key})
    assert answer.status_code == 409
    assert "Use a new key" in answer.json()["detail"]
    assert shop.counter.get(f"{ORDERS}/{order_id}").status_code == 404


def test_an_order_that_has_ended_stays_as_it_is(shop: Driver) -> None:
    done = shop.finished(shop.place()["id"])
    refused = shop.counter.post(f"{ORDERS}/{done['id']}/cancel")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("The order is FULFILLED")
    assert shop.counter.get(f"{ORDERS}/{done['id']}").json() == done


def test_what_a_station_has_not_begun_is_cancelled(shop: Driver, stack: Stack) -> None:
    """G16: the kitchen is away and finds both events when it comes back, in any order: what it has
    then made stays made, and the customer sees what became of it."""
    with away(stack, "kitchen"):
        placed = [shop.place() for _ in range(10)]
        for each in placed:
            until(partial(_coffee, shop, f"{ORDERS}/{each['id']}"), 10, "no coffee")
        for each in placed:
            answer = shop.counter.post(f"{ORDERS}/{each['id']}/cancel")
            assert answer.status_code == 202
            assert answer.json()["status"] == "IN_PROGRESS"
            assert shop.counter.post(f"{ORDERS}/{each['id']}/cancel").status_code == 202
    for each in placed:
        done = shop.finished(each["id"])
        coffee, croissant = done["items"]
        records = station_records(shop, each["id"])
        assert coffee["status"] == "READY"
        assert croissant["status"] in ("READY", "CANCELLED")
        assert done["status"] == ("FULFILLED" if croissant["status"] == "READY" else "PARTIAL")
        assert croissant["status"] == records[croissant["id"]]["status"]
        assert bool(records[croissant["id"]]["makeId"]) == (croissant["status"] == "READY")


def _coffee(shop: Driver, path: str) -> bool:
    return bool(shop.counter.get(path).json()["items"][0]["status"] == "READY")


def test_a_cancellation_that_overtakes_its_order_is_never_made(shop: Driver, stack: Stack) -> None:
    """As the kitchen's sidecar delivers it, before the order is even placed."""
    key = str(uuid4())
    order_id = derived_id(stack.secrets["id_secret"].encode(), "", key)
    croissant = {"id": f"{order_id}-1", "itemType": 7, "name": "CROISSANT"}
    event = {"orderId": order_id, "expiresAt": "2100-01-01T00:00:00Z", "items": [croissant]}
    delivered = shop.kitchen.post(
        "/dapr_subscribe_KitchenOrderCancelled",
        json={"data": event},
        headers={"dapr-api-token": stack.secrets["app_token"]},
    )
    assert delivered.status_code == 204
    placed = shop.post(order("ann", barista=()), **{"idempotency-key": key})
    assert placed.status_code == 201
    done = shop.finished(order_id)
    assert (done["status"], done["items"][0]["status"]) == ("CANCELLED", "CANCELLED")
    assert done["items"][0]["reason"] == "CROISSANT was cancelled before it was begun."
    record = shop.kitchen.get(f"/v1/api/kitchen/orders/{order_id}").json()
    assert record["items"][0]["makeId"] is None


def test_an_order_is_cancelled_from_a_terminal(shop: Driver, stack: Stack) -> None:
    with away(stack, "kitchen"):
        placed = shop.place(barista=())
        asked = coffee("cancel", placed["id"][:8])
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert f"No. {placed['number']}" in asked.stdout
    done = shop.finished(placed["id"])
    assert done["status"] in ("CANCELLED", "FULFILLED")
    refused = coffee("cancel", placed["id"])
    assert refused.returncode == 3
    assert f"The order is {done['status']}" in refused.stderr
