"""What an end-to-end test sees of the running shop: HTTP, and the broker's and stores' contents."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import valkey

from described import description
from scripts.stack import listening, runtime
from scripts.stack.plan import Ports
from scripts.stack.supervise import Stack

STORES = {"counter-api": 1, "barista-api": 2, "kitchen-api": 3}
PORT_OFFSET = listening.port_offset(7_000, "COFFEESHOP_TEST_PORT_OFFSET", 20_000)
"""Of the stack that the tests run on; a thousand above it is a second one."""
TOPICS = (
    "barista_order_placed",
    "kitchen_order_placed",
    "barista_order_updated",
    "kitchen_order_updated",
)

Json = dict[str, Any]


class Driver:
    """The APIs by HTTP; Valkey by its own protocol, to see what was stored and published."""

    def __init__(self, port_offset: int, valkey_password: str | None) -> None:
        self._offset = port_offset
        self._password = valkey_password
        ports = Ports(port_offset, runtime.chosen())
        self.clients = {
            api: httpx.Client(
                base_url=f"http://127.0.0.1:{ports.app(api)}",
                timeout=40,
                # Every answer that a test gets is one that the API's description has.
                event_hooks={"response": [description(api).check]},
            )
            for api in runtime.APIS
        }
        self.product = self.clients["product"]
        self.counter = self.clients["counter"]
        self.barista = self.clients["barista"]
        self.kitchen = self.clients["kitchen"]

    def valkey(self, database: int) -> valkey.Valkey:
        return valkey.Valkey(
            port=3905 + self._offset, db=database, password=self._password, decode_responses=True
        )

    def events(self, topic: str) -> list[Json]:
        """The data of every event of the topic, oldest first."""
        entries: Any = self.valkey(0).xrange(topic)
        return [json.loads(entry["data"])["data"] for _, entry in entries]

    def post(self, document: Json, **headers: str) -> httpx.Response:
        return self.counter.post("/v1/api/orders", json=document, headers=headers)

    def place(self, customer: str = "ann", barista: Any = (1,), kitchen: Any = (7,)) -> Json:
        """Place an order that must be accepted."""
        answer = self.post(order(customer, barista, kitchen))
        assert answer.status_code == 201, answer.text
        placed: Json = answer.json()
        return placed

    def finished(self, order_id: str, seconds: int = 30) -> Json:
        """The order, once it has ended."""
        answer = self.counter.get(f"/v1/api/orders/{order_id}", params={"wait": seconds})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        assert found["status"] in ("FULFILLED", "PARTIAL", "FAILED", "CANCELLED"), found
        return found

    def pages(self, path: str, **params: Any) -> Iterator[list[Json]]:
        """All pages of a listing, in order."""
        while True:
            answer = self.counter.get(path, params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield page["orders"]
            if page["next"] is None:
                return
            params["cursor"] = page["next"]

    def footprint(self) -> Json:
        """What placing an order leaves behind: the keys of each store, each topic's length."""

        def left() -> Json:
            keys: Json = {
                api: sorted(self.valkey(number).scan_iter()) for api, number in STORES.items()
            }
            return keys | {topic: self.valkey(0).xlen(topic) for topic in TOPICS}

        before, now = None, left()
        while now != before:  # what an earlier order causes still comes in
            time.sleep(0.3)
            before, now = now, left()
        return now


def order(customer: str, barista: Any = (1,), kitchen: Any = (7,)) -> Json:
    return {
        "commandType": 0,
        "orderSource": 0,
        "location": 0,
        "loyaltyMemberId": customer,
        "baristaItems": [{"itemType": item} for item in barista],
        "kitchenItems": [{"itemType": item} for item in kitchen],
        "timestamp": "2026-11-24T10:00:00Z",
    }


@contextmanager
def away(stack: Stack, api: str) -> Iterator[None]:
    """Without an API, by its short name. On Spin the four are one process: there its sidecar is
    away, so that nothing reaches it."""
    name = f"{api}-sidecar" if stack.ports.runtime == "spin" else f"{api}-api"
    stack.stop(name)
    try:
        yield
    finally:
        stack.start(name)
        stack.wait_until_ready()


def heeds_ctrl_c() -> None:
    """For a process behind a terminal: who runs the tests in the background has Ctrl-C ignored,
    and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def somebody() -> str:
    """A customer who has no orders yet."""
    return f"customer-{uuid4()}"
