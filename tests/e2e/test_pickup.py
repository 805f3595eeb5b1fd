"""What is called out, on the real stack: from the placing until it was handed over."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from driver import Driver, Json, away
from scripts.stack.supervise import Stack
from tests.support.waiting import until

PICKUP = "/v1/api/pickup"


def called(shop: Driver) -> tuple[dict[str, Json], dict[str, Json]]:
    """What is in preparation, and what is ready, by the orders' ids."""
    answer = shop.counter.get(PICKUP)
    assert answer.status_code == 200
    waiting, ready = answer.json()["inPreparation"], answer.json()["ready"]
    return {each["orderId"]: each for each in waiting}, {each["orderId"]: each for each in ready}


def test_an_order_is_called_out_until_it_was_collected(shop: Driver, stack: Stack) -> None:
    """G21."""
    with away(stack, "kitchen"):
        placed = shop.place("ann")
        until(lambda: placed["id"] in called(shop)[0], 5, "not called out")
        entry = called(shop)[0][placed["id"]]
        assert (entry["number"], entry["name"]) == (placed["number"], "ann")
        refused = shop.counter.post(f"/v1/api/orders/{placed['id']}/collect")
        assert refused.status_code == 409
        assert "nothing to hand over" in refused.json()["detail"]
    shop.finished(placed["id"])
    assert called(shop)[1][placed["id"]]["readyItems"] == 2
    first, again = (shop.counter.post(f"/v1/api/orders/{placed['id']}/collect") for _ in "12")
    assert first.status_code == 200
    assert first.json() == again.json()
    waiting, ready = called(shop)
    assert placed["id"] not in {**waiting, **ready}


def test_an_order_that_is_not_there_cannot_be_collected(shop: Driver) -> None:
    answer = shop.counter.post("/v1/api/orders/00000000-0000-4000-8000-000000000000/collect")
    assert answer.status_code == 404


def test_a_hundred_open_orders_have_numbers_of_their_own(shop: Driver, stack: Stack) -> None:
    """G20: placed by many at once."""
    with away(stack, "kitchen"), ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda _: shop.place(), range(100)))
        numbers = [each["number"] for each in placed]
        assert len(set(numbers)) == 100
        waiting = [each["number"] for each in called(shop)[0].values()]
        assert len(set(waiting)) == len(waiting)
    for each in placed:
        shop.finished(each["id"])


def test_a_screen_on_the_wall_learns_within_a_second_that_an_order_is_ready(shop: Driver) -> None:
    seen: list[Any] = []
    with shop.counter.stream("GET", f"{PICKUP}/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        placed = None
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            seen.append(json.loads(line.removeprefix("data: ")))
            if placed is None:
                placed = shop.finished(shop.place()["id"])
                ended = time.monotonic()
            elif placed["id"] in {each["orderId"] for each in seen[-1]["ready"]}:
                break
    assert time.monotonic() - ended < 1.5
