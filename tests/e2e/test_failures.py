"""What the flow promises when a part of the stack is away."""

import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import httpx

from counter.ids import derived_id
from driver import Driver, away, order, somebody
from scripts.stack.supervise import Stack
from tests.support.waiting import until

ALL = "/v1/api/fulfillment-orders"


def test_without_the_menu_no_order_is_taken(shop: Driver, stack: Stack) -> None:
    """G13."""
    customer = somebody()
    with away(stack, "product"):
        before = shop.footprint()
        begin = time.monotonic()
        answer = shop.post(order(customer))
        assert time.monotonic() - begin < 3
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert shop.footprint() == before
    until(lambda: shop.post(order(customer)).status_code == 201, 20, "no order after the restart")


def test_an_order_waits_for_its_station(shop: Driver, stack: Stack) -> None:
    """G2: the kitchen goes; an order is placed; the kitchen comes back, and the order ends."""
    with away(stack, "kitchen"):
        placed = shop.place()
        time.sleep(1)
        open_order = shop.counter.get(f"/v1/api/orders/{placed['id']}").json()
        assert open_order["status"] == "IN_PROGRESS"
    found = until(
        lambda: shop.finished(placed["id"]) if _ended(shop, placed["id"]) else None, 90, "stuck"
    )
    assert found["status"] == "FULFILLED"


def _ended(shop: Driver, order_id: str) -> bool:
    status: str = shop.counter.get(f"/v1/api/orders/{order_id}").json()["status"]
    return status in ("FULFILLED", "PARTIAL", "FAILED")


def test_the_counter_killed_goes_on_where_it_was(shop: Driver, stack: Stack) -> None:
    """G1, G2."""
    placed = [shop.place(kitchen=())["id"] for _ in range(5)]
    stack.kill("counter-api")
    until(_answers(shop.counter, "/healthz/counter"), 20, "counter-api was not restarted")
    for order_id in placed:
        until(partial(_ended, shop, order_id), 90, f"{order_id} is stuck")


def _answers(client: httpx.Client, path: str) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            return client.get(path, timeout=2).status_code == 204
        except httpx.TransportError:
            return False

    return asked


def test_a_key_whose_order_was_abandoned_wants_a_new_one(shop: Driver, stack: Stack) -> None:
    """A cancellation that finds no order sees to it that there never will be one (W13)."""
    key = str(uuid4())
    order_id = derived_id(stack.secrets["id_secret"].encode(), "", key)
    assert shop.counter.post(f"/v1/api/orders/{order_id}/cancel").status_code == 404
    answer = shop.post(order("ann"), **{"idempotency-key": key})
    assert answer.status_code == 409
    assert "Use a new key" in answer.json()["detail"]
    assert shop.counter.get(f"/v1/api/orders/{order_id}").status_code == 404


def test_the_list_of_sold_out_items_and_the_orders_survive_down_and_up(
    shop: Driver, stack: Stack
) -> None:
    """G1, G3."""
    done = shop.finished(shop.place()["id"])
    shop.barista.put("/v1/api/barista/unavailable/3")
    stack.down()
    stack.up()
    assert shop.counter.get(f"/v1/api/orders/{done['id']}").json() == done
    assert shop.barista.get(f"/v1/api/barista/orders/{done['id']}").status_code == 200
    assert shop.barista.get("/v1/api/barista/unavailable/3").status_code == 200
    shop.barista.delete("/v1/api/barista/unavailable/3")
