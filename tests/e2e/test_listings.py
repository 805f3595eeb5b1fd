"""A customer's orders and all orders: every one, once, newest first, also while more come."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from driver import Driver, order, somebody

ALL = "/v1/api/fulfillment-orders"
MANY = 2_000


def test_a_customer_finds_her_orders_and_nobody_elses(shop: Driver) -> None:
    ann, bob = somebody(), somebody()
    hers = [shop.place(ann, kitchen=())["id"] for _ in range(7)]
    shop.place(bob)
    pages = list(shop.pages("/v1/api/orders", loyaltyMemberId=ann, limit=3))
    assert [len(page) for page in pages] == [3, 3, 1]
    found = [each for page in pages for each in page]
    assert [each["id"] for each in found] == hers[::-1]
    assert {each["loyaltyMemberId"] for each in found} == {ann}


def test_all_orders_are_listed_once_while_more_are_placed(shop: Driver) -> None:
    """G10: with `MANY` orders placed, and others coming in while the pages are read."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: shop.post(order(f"m{n % 50}", kitchen=())), range(MANY)))
    acknowledged = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert {answer.status_code for answer in answers} <= {201, 429, 503}
    assert len(acknowledged) > MANY * 0.95
    stop = threading.Event()

    def keep_placing() -> None:
        while not stop.is_set():
            shop.post(order(somebody()))

    placing = threading.Thread(target=keep_placing)
    placing.start()
    try:
        found = [each for page in shop.pages(ALL, limit=100) for each in page]
    finally:
        stop.set()
        placing.join()
    ids = [each["id"] for each in found]
    assert len(ids) == len(set(ids))
    assert acknowledged <= set(ids)
    placed = [(datetime.fromisoformat(each["placedAt"]), each["id"]) for each in found]
    assert placed == sorted(placed, reverse=True)


def test_all_orders_can_be_filtered_by_status(shop: Driver) -> None:
    done = shop.finished(shop.place()["id"])
    shop.kitchen.put("/v1/api/kitchen/unavailable/8")
    try:
        partial = shop.finished(shop.place(kitchen=(8,))["id"])
    finally:
        shop.kitchen.delete("/v1/api/kitchen/unavailable/8")
    page = next(shop.pages(ALL, status="PARTIAL", limit=5))
    assert partial["id"] in [each["id"] for each in page]
    assert done["id"] not in [each["id"] for each in page]
    assert {each["status"] for each in page} == {"PARTIAL"}
