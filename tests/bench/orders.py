"""The orders that are placed: the worked example, by fifty customers in turn."""

import json

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
