"""The orders that are placed: the worked example, by fifty customers in turn."""

import json
from collections.abc import Mapping

import httpx

from tests.bench.load import Target

CUSTOMERS = 50
PATH = "/v1/api/orders"

Items = Mapping[str, list[dict[str, int]]]
COFFEE: Items = {"baristaItems": [{"itemType": 1}]}
CROISSANT: Items = {"kitchenItems": [{"itemType": 7}]}
BOTH: Items = {**COFFEE, **CROISSANT}


def body(customer: int, items: Items = BOTH) -> bytes:
    order = {
        "commandType": 0,
        "orderSource": 0,
        "location": 0,
        "loyaltyMemberId": f"customer-{customer}",
        **items,
        "timestamp": "2026-11-24T10:00:00Z",
    }
    return json.dumps(order, separators=(",", ":")).encode()


def targets(counter: str, items: Items = BOTH) -> list[Target]:
    """`counter` is the URL of counter-api."""
    return [Target("POST", counter + PATH, body(number, items)) for number in range(CUSTOMERS)]


def place(counter: str, number: int) -> httpx.Response:
    """Place one order. Raises `httpx.HTTPError`."""
    headers = {"content-type": "application/json"}
    content = body(number % CUSTOMERS)
    return httpx.post(counter + PATH, content=content, headers=headers).raise_for_status()
