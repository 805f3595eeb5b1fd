"""Streams or polling? `make bench-live` prints what each costs, with the same freshness for
customers.

Twenty customers watch an order that does not change (its kitchen is away): by a stream that looks
every 0.2 s, and by asking every 0.2 s. Then by asking once a second, which is less fresh. Measured
is the processor time of counter-api and of its sidecar, a second of watching.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil

from scripts.base import console
from scripts.base.console import say
from scripts.stack.supervise import Stack

OFFSET = 22_000
CUSTOMERS = 20
SECONDS = 20.0


def stream(client: httpx.Client, path: str, stop: threading.Event) -> None:
    with client.stream("GET", f"{path}/events") as answer:
        for _line in answer.iter_lines():
            if stop.is_set():
                return


def poll(every: float) -> Callable[[httpx.Client, str, threading.Event], None]:
    def ask(client: httpx.Client, path: str, stop: threading.Event) -> None:
        while not stop.wait(every):
            client.get(path).raise_for_status()

    return ask


def processor_seconds(stack: Stack) -> tuple[float, float]:
    def used(name: str) -> float:
        times = psutil.Process(stack.pid(name)).cpu_times()
        return float(times.user + times.system)

    return used("counter-api"), used("counter-sidecar")


def measure(
    stack: Stack, path: str, watch: Callable[[httpx.Client, str, threading.Event], None]
) -> tuple[float, float]:
    """Milliseconds of processor time of counter-api and of its sidecar, a second."""
    stop = threading.Event()
    limits = httpx.Limits(max_connections=CUSTOMERS)
    base = f"http://127.0.0.1:{stack.ports.app('counter')}"
    with (
        httpx.Client(base_url=base, timeout=40, limits=limits) as client,
        ThreadPoolExecutor(CUSTOMERS) as customers,
    ):
        watching = [customers.submit(watch, client, path, stop) for _ in range(CUSTOMERS)]
        time.sleep(1)
        before = processor_seconds(stack)
        time.sleep(SECONDS)
        after = processor_seconds(stack)
        stop.set()
        for each in watching:
            each.result()
    api, sidecar = ((b - a) / SECONDS * 1000 for a, b in zip(before, after, strict=True))
    return api, sidecar


def main() -> None:
    ways = {
        "stream, looks every 0.2 s": stream,
        "asking every 0.2 s": poll(0.2),
        "asking every second": poll(1.0),
    }
    with tempfile.TemporaryDirectory() as home, Stack(Path(home), OFFSET) as stack:
        stack.up()
        stack.stop("kitchen-api")
        url = f"http://127.0.0.1:{stack.ports.app('counter')}/v1/api/orders"
        placed = httpx.post(url, json={"loyaltyMemberId": "ann", "items": [{"itemType": 7}]})
        path = f"/v1/api/orders/{placed.json()['id']}"
        print(f"{CUSTOMERS} customers; ms of processor time a second    counter-api    sidecar")
        for name, way in ways.items():
            say(f"Watching: {name} …")
            api, sidecar = measure(stack, path, way)
            print(f"{name:48}{api:10.0f}{sidecar:11.0f}")


if __name__ == "__main__":
    console.main(main)
