"""One order at a time, for cases that measure how long a good one takes."""

import time
from typing import Any

import httpx

from tests.faults.run import Run

BODY = {
    "loyaltyMemberId": "ann",
    "baristaItems": [{"itemType": 1}],
    "kitchenItems": [{"itemType": 7}],
}
LONGEST = 30
"""Seconds that the shop lets a customer wait for an order's end in one request."""
GIVEN_UP = 120
"""Seconds."""


def time_one(run: Run) -> float:
    """Seconds from placing an order of both stations to its end. Repeats a post that
    is answered 503. Raises `TimeoutError`."""
    begin = time.monotonic()
    orders = f"{run.url('counter')}/v1/api/orders"
    with httpx.Client(timeout=60) as client:
        while (placed := client.post(orders, json=BODY)).status_code == 503:
            _check(begin, "is not taken")
            time.sleep(0.1)
        order: dict[str, Any] = placed.raise_for_status().json()
        while order["status"] != "FULFILLED":
            _check(begin, f"{order['id']} is {order['status']}")
            order = client.get(f"{orders}/{order['id']}", params={"wait": LONGEST}).json()
    return time.monotonic() - begin


def _check(begin: float, state: str) -> None:
    if time.monotonic() - begin > GIVEN_UP:
        raise TimeoutError(f"{state} after {GIVEN_UP} s")
