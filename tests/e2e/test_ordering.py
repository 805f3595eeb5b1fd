"""The flow of docs/workflow.md, through HTTP alone."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from driver import Driver, order, somebody
from scripts.stack import resources


def test_the_worked_example_is_fulfilled(shop: Driver) -> None:
    answer = shop.post(order("ann"))
    assert answer.status_code == 201
    placed = answer.json()
    assert answer.headers["location"] == f"/v1/api/orders/{placed['id']}"
    assert placed["status"] == "PLACED"
    assert '"total":6.25' in answer.text
    done = shop.finished(placed["id"])
    assert done["status"] == "FULFILLED"
    assert [(i["name"], i["price"], i["station"], i["status"]) for i in done["items"]] == [
        ("COFFEE_BLACK", 3.0, "barista", "READY"),
        ("CROISSANT", 3.25, "kitchen", "READY"),
    ]
    assert [change["status"] for change in done["history"]] == [
        "PLACED",
        "IN_PROGRESS",
        "FULFILLED",
    ]
    assert all(change["at"] and change["cause"] for change in done["history"])


def test_every_item_on_the_menu_is_made_by_its_station(shop: Driver) -> None:
    menu = shop.product.get("/v1-get-item-types").json()
    wanted = [{"itemType": item["itemType"]} for item in menu]
    answer = shop.post({"loyaltyMemberId": "ann", "items": wanted})
    assert answer.status_code == 201, answer.text
    done = shop.finished(answer.json()["id"])
    assert done["status"] == "FULFILLED"
    for station in resources.stations():
        made = shop.clients[station].get(f"/v1/api/{station}/orders/{done['id']}").json()
        of_station = [item["name"] for item in menu if item["station"] == station]
        assert [item["name"] for item in made["items"]] == of_station


def test_waiting_answers_as_soon_as_the_order_is_finished(shop: Driver) -> None:
    placed = shop.place()
    begin = time.monotonic()
    shop.finished(placed["id"], seconds=10)
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize(
    ("barista", "kitchen", "busy", "idle"),
    [((1,), (), "barista", "kitchen"), ((), (7,), "kitchen", "barista")],
)
def test_one_stations_order_never_reaches_the_other(
    shop: Driver, barista: tuple[int, ...], kitchen: tuple[int, ...], busy: str, idle: str
) -> None:
    placed = shop.place(barista=barista, kitchen=kitchen)
    assert shop.finished(placed["id"])["status"] == "FULFILLED"
    clients = {"barista": shop.barista, "kitchen": shop.kitchen}
    assert clients[busy].get(f"/v1/api/{busy}/orders/{placed['id']}").status_code == 200
    assert clients[idle].get(f"/v1/api/{idle}/orders/{placed['id']}").status_code == 404
    events = shop.events(f"{idle}_order_placed")
    assert placed["id"] not in [event["orderId"] for event in events]


def test_the_same_item_twice_is_made_twice(shop: Driver) -> None:
    placed = shop.place(barista=(1, 1), kitchen=())
    done = shop.finished(placed["id"])
    assert len({item["id"] for item in done["items"]}) == 2
    record = shop.barista.get(f"/v1/api/barista/orders/{placed['id']}").json()
    assert len({item["makeId"] for item in record["items"]}) == 2
    assert {item["id"] for item in record["items"]} == {item["id"] for item in done["items"]}


def test_prices_come_from_the_menu_and_a_client_cannot_say_others(shop: Driver) -> None:
    cheap = order(somebody())
    cheap["baristaItems"][0]["price"] = 0.01
    cheap["total"] = 0.01
    answer = shop.post(cheap)
    assert answer.status_code == 422
    named = {error["field"] for error in answer.json()["errors"]}
    assert named == {"baristaItems.0.price", "total"}
    assert '"total":6.25' in shop.post(order(somebody())).text


def test_a_sold_out_item_fails_its_order_and_no_other_item(shop: Driver) -> None:
    path = "/v1/api/kitchen/unavailable/7"
    assert shop.kitchen.put(path).status_code == 204
    try:
        assert shop.kitchen.get(path).json()["itemType"] == 7
        done = shop.finished(shop.place()["id"])
        assert done["status"] == "PARTIAL"
        coffee, croissant = done["items"]
        assert coffee["status"] == "READY"
        assert croissant["status"] == "FAILED"
        assert "CROISSANT" in croissant["reason"]
    finally:
        assert shop.kitchen.delete(path).status_code == 204
    assert shop.kitchen.get(path).status_code == 404
    assert shop.finished(shop.place()["id"])["status"] == "FULFILLED"


def test_a_key_posted_twenty_times_at_once_is_one_order(shop: Driver) -> None:
    """G4, G6."""
    customer, key = somebody(), str(uuid4())
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: shop.post(order(customer), **{"idempotency-key": key}), range(20))
        )
    assert {answer.status_code for answer in answers} == {201}
    placed = [answer.json() for answer in answers]
    assert len({(o["id"], o["total"], str([i["id"] for i in o["items"]])) for o in placed}) == 1
    done = shop.finished(placed[0]["id"])
    listed = [
        o["id"] for page in shop.pages("/v1/api/orders", loyaltyMemberId=customer) for o in page
    ]
    assert listed == [done["id"]]
    for station in ("barista", "kitchen"):
        makes = {
            make
            for event in shop.events(f"{station}_order_updated")
            if event.get("orderId") == done["id"]
            for make in [item["makeId"] for item in event["items"]]
        }
        assert len(makes) == 1


def test_a_key_cannot_be_used_for_another_order(shop: Driver) -> None:
    key = str(uuid4())
    assert shop.post(order("ann"), **{"idempotency-key": key}).status_code == 201
    answer = shop.post(order("ann", barista=(5,)), **{"idempotency-key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_repeat_answers_the_first_order_as_it_is_now(shop: Driver) -> None:
    """And says that it is a repeat, whatever the POS's own clock says meanwhile (W3)."""
    key, document = str(uuid4()), order("ann")
    first = shop.post(document, **{"idempotency-key": key})
    assert "idempotency-replayed" not in first.headers
    shop.finished(first.json()["id"])
    for timestamp in (document["timestamp"], "2026-11-24T10:00:07Z", None):
        again = shop.post(document | {"timestamp": timestamp}, **{"idempotency-key": key})
        assert again.status_code == 201
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]
        assert again.json()["status"] == "FULFILLED"
        assert again.json()["timestamp"] == document["timestamp"]
