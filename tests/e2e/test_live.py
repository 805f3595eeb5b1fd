"""Following an order and all orders by server-sent events, on the real runtime."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from driver import Driver, away
from scripts.stack.runtime import process_name
from scripts.stack.supervise import Stack

ALL = "/v1/api/fulfillment-orders/events"


def versions(shop: Driver, path: str, count: int | None = None) -> list[Any]:
    """What a stream sends: all until it ends, or that many, and then hang up."""
    found: list[Any] = []
    with shop.counter.stream("GET", path) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if len(found) == count:
                    break
    return found


def test_many_follow_an_order_to_its_end_and_others_hang_up(shop: Driver, stack: Stack) -> None:
    with ThreadPoolExecutor(60) as pool, away(stack, "kitchen"):
        placed = shop.place()
        path = f"/v1/api/orders/{placed['id']}/events"
        to_the_end = [pool.submit(versions, shop, path) for _ in range(30)]
        given_up = [pool.submit(versions, shop, path, 1) for _ in range(30)]
        assert all(len(each.result()) == 1 for each in given_up)
    for each in to_the_end:
        seen = [version["status"] for version in each.result()]
        assert seen[-1] == "FULFILLED"
        assert seen == sorted(set(seen), key=["PLACED", "IN_PROGRESS", "FULFILLED"].index)
    log = stack.layout.log(process_name(stack.ports.runtime, "counter"))
    trapped = re.findall(r".*(?:wasm trap|resource has children|stream.failed).*", log.read_text())
    assert not trapped, trapped[:3]


def test_many_wait_for_an_order_and_nobody_else_has_to(shop: Driver, stack: Stack) -> None:
    """More than the runtime answers at a time: an answer that waits has begun."""
    with ThreadPoolExecutor(60) as pool, away(stack, "kitchen"):
        placed = shop.place()
        path = f"/v1/api/orders/{placed['id']}?wait=30"
        waiting = [pool.submit(shop.counter.get, path, timeout=40) for _ in range(60)]
        time.sleep(1)
        begun = time.monotonic()
        assert shop.counter.get("/healthz/counter").status_code == 204
        shop.place()
        assert time.monotonic() - begun < 2
        assert not any(each.done() for each in waiting)
    answers = [each.result() for each in waiting]
    assert {(each.status_code, each.json()["status"]) for each in answers} == {(200, "FULFILLED")}
    assert {each.headers["content-type"] for each in answers} == {"application/json"}


def test_a_new_order_appears_on_the_board(shop: Driver) -> None:
    with shop.counter.stream("GET", f"{ALL}?limit=3") as answer:
        pages = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        assert len(next(pages)["orders"]) <= 3
        placed = shop.place()
        assert any(placed["id"] == page["orders"][0]["id"] for page in pages)


def test_what_cannot_be_followed_is_a_problem(shop: Driver) -> None:
    nobody = "/v1/api/orders/00000000-0000-4000-8000-000000000000/events"
    assert shop.counter.get(nobody).status_code == 404
    assert shop.counter.get(f"{ALL}?limit=0").status_code == 422
