"""Does placing or listing grow with what is stored? `make growth` prints both, and the ratios.

Fills a stack of its own to 1,000 and to 20,000 orders and times, at each, one client placing an
order, reading the first page of all orders, a page in the middle, and a customer's first page.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from scripts import cache
from scripts.cache import say
from scripts.supervise import Stack

OFFSET = 21_000
SIZES = (1_000, 20_000)
ROUNDS = 60
ALL = "/v1/api/fulfillment-orders"


def order(customer: str) -> dict[str, object]:
    return {"loyaltyMemberId": customer, "baristaItems": [{"itemType": 1}]}


def fill(client: httpx.Client, count: int) -> int:
    def place(number: int) -> bool:
        return client.post("/v1/api/orders", json=order(f"c{number % 20}")).status_code == 201

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(place, range(count)))


def median_ms(call: Callable[[], httpx.Response]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        call().raise_for_status()
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def middle(client: httpx.Client, stored: int) -> str:
    """The cursor of the page half way through."""
    cursor, seen = "", 0
    while seen < stored // 2:
        params = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = client.get(ALL, params=params).raise_for_status().json()
        cursor, seen = page["next"], seen + len(page["orders"])
    return cursor


def measure(client: httpx.Client, stored: int) -> dict[str, float]:
    cursor = middle(client, stored)
    return {
        "place an order": median_ms(lambda: client.post("/v1/api/orders", json=order("somebody"))),
        "all orders, first page": median_ms(lambda: client.get(ALL)),
        "all orders, middle page": median_ms(lambda: client.get(ALL, params={"cursor": cursor})),
        "a customer's first page": median_ms(
            lambda: client.get("/v1/api/orders", params={"loyaltyMemberId": "c7"})
        ),
    }


def main() -> None:
    found = []
    with tempfile.TemporaryDirectory() as home, Stack(Path(home), OFFSET) as stack:
        stack.up()
        base = f"http://127.0.0.1:{stack.ports.app('counter')}"
        with httpx.Client(base_url=base, timeout=40) as client:
            stored = 0
            for size in SIZES:
                say(f"Filling up to {size} orders …")
                while stored < size:
                    stored += fill(client, min(1_000, size - stored))
                time.sleep(15)  # the watchdogs of the last orders fire and end
                found.append(measure(client, stored))
    small, large = SIZES
    print(f"{'median, ms':26}{small:>9,}{large:>9,}    ratio")
    for name in found[0]:
        one, two = (each[name] for each in found)
        print(f"{name:26}{one:9.1f}{two:9.1f}{two / one:9.2f}")


if __name__ == "__main__":
    cache.main(main)
