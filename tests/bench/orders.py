"""The orders that are placed: the worked example, by fifty customers in turn."""

import json

import httpx

from tests.bench.load import Target

CUSTOMERS = 50
PATH = "/v1/api/orders"


def body(customer: int) -> bytes:
    order = {
        "commandType": 0,
        "orderSource": 0,
        "location": 0,
        "loyaltyMemberId": f"customer-{customer}",
        "baristaItems": [{"itemType": 1}],
        "kitchenItems": [{"itemType": 7}],
        "timestamp": "2026-11-24T10:00:00Z",
    }
    return json.dumps(order, separators=(",", ":")).encode()


def targets(counter: str) -> list[Target]:
    """`counter` is the URL of counter-api."""
    return [Target("POST", counter + PATH, body(number)) for number in range(CUSTOMERS)]


def place(counter: str, number: int) -> httpx.Response:
    """Place one order. Raises `httpx.HTTPError`."""
    headers = {"content-type": "application/json"}
    content = body(number % CUSTOMERS)
    return httpx.post(counter + PATH, content=content, headers=headers).raise_for_status()
