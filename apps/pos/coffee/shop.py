"""The shop as its customers see it: counter-api over HTTP."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]
ENDED = ("FULFILLED", "FAILED", "CANCELLED")


class Refused(Exception):
    """The shop does not accept the request as it is."""


class Away(Exception):
    """The shop cannot be reached, or cannot answer now."""


def default_url() -> str:
    """`$COFFEESHOP_URL`, else counter-api on this machine, shifted by `$COFFEESHOP_PORT_OFFSET`."""
    offset = int(os.environ.get("COFFEESHOP_PORT_OFFSET") or 0)
    return os.environ.get("COFFEESHOP_URL") or f"http://127.0.0.1:{5002 + offset}"


def headers() -> dict[str, str]:
    """With the POS token of `$COFFEESHOP_POS_TOKEN`, if the shop wants one."""
    token = os.environ.get("COFFEESHOP_POS_TOKEN")
    return {"authorization": f"Bearer {token}"} if token else {}


def order_document(customer: str, items: Sequence[Json]) -> Json:
    """The command of a POS for these items of the menu."""
    return {
        "commandType": 0,
        "orderSource": 0,
        "location": 0,
        "loyaltyMemberId": customer,
        "items": [{"itemType": item["itemType"]} for item in items],
    }


def explain(answer: httpx.Response) -> str:
    """What a problem document says, for people."""
    try:
        problem = answer.json()
        fields = [f"{error['field']}: {error['message']}" for error in problem.get("errors", ())]
        return "\n  ".join([problem.get("detail") or problem["title"], *fields])
    except (ValueError, KeyError, TypeError):
        return f"it answered {answer.status_code}: {answer.text[:200]}"


class Shop:
    """Calls that may be repeated are, for a few seconds. Raises `Refused` and `Away`."""

    PATIENCE = 6.0

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, headers=headers(), timeout=40)

    def menu(self) -> list[Json]:
        found: list[Json] = self._call("GET", "/v1/api/menu")["items"]
        return found

    def place(self, customer: str, items: Sequence[Json]) -> Json:
        """Place an order, once, however often the request must be repeated."""
        key = {"idempotency-key": str(uuid4())}
        document = order_document(customer, items)
        return self._call("POST", "/v1/api/orders", json=document, headers=key)

    def order(self, order_id: str, wait: int = 0) -> Json:
        return self._call("GET", f"/v1/api/orders/{order_id}", params={"wait": wait})

    def orders_of(self, customer: str, limit: int) -> list[Json]:
        query = {"loyaltyMemberId": customer, "limit": limit}
        found: list[Json] = self._call("GET", "/v1/api/orders", params=query)["orders"]
        return found

    def orders(self, limit: int, status: str | None = None) -> list[Json]:
        query = {"limit": limit} | ({"status": status} if status else {})
        found: list[Json] = self._call("GET", "/v1/api/fulfillment-orders", params=query)["orders"]
        return found

    def follow(self, path: str, **params: Any) -> Iterator[Json | None]:
        """Each version of what is followed, without end: a stream that ends is opened again.
        None for a sign of life, every few seconds, while nothing changes."""
        missed = 0
        while True:
            try:
                with self._client.stream("GET", path, params=params) as answer:
                    self._check(answer)
                    missed = 0
                    for line in answer.iter_lines():
                        if line.startswith("data: "):
                            yield json.loads(line.removeprefix("data: "))
                        elif line == ":":
                            yield None
            except (httpx.TransportError, Away) as error:
                missed += 1
                if missed > 10:
                    raise Away(f"The shop at {self.url} cannot be reached ({error}).") from None
                time.sleep(0.5)

    def _call(self, method: str, path: str, **arguments: Any) -> Json:
        give_up = time.monotonic() + self.PATIENCE
        while True:
            try:
                answer = self._client.request(method, path, **arguments)
                self._check(answer)
                found: Json = answer.json()
                return found
            except httpx.ConnectError as error:
                # Nobody listens there: that is no passing trouble.
                raise Away(f"The shop at {self.url} cannot be reached ({error}).") from None
            except (httpx.TransportError, Away) as error:
                if time.monotonic() > give_up:
                    raise Away(f"The shop at {self.url} cannot answer now: {error}") from None
                time.sleep(0.5)

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        answer.read()
        if answer.status_code in (429, 503):
            raise Away(explain(answer))
        if answer.status_code == 401:
            raise Refused("The shop wants a POS token: set COFFEESHOP_POS_TOKEN.")
        raise Refused(explain(answer))
