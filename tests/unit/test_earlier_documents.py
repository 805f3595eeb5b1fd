"""Documents that earlier releases stored are still read."""

import asyncio
from typing import Any

from coffeeshop.contracts import ItemStatus, OrderStatus
from coffeeshop.sidecar import Sidecar
from counter.orders import Orders
from fake_sidecar import FakeSidecar

ID = "0b0dd8ba-6a41-8d1b-9a31-3d1f0f4f6f0a"


def stored(status: str, barista: str, kitchen: str) -> dict[str, Any]:
    """An order as commit d5954a0 stored it."""
    items = [
        ("1", 1, "COFFEE_BLACK", 300, "barista", barista),
        ("2", 7, "CROISSANT", 325, "kitchen", kitchen),
    ]
    return {
        "id": ID,
        "body_hash": "h",
        "loyalty_member_id": "ann",
        "order_source": 0,
        "location": 0,
        "timestamp": None,
        "placed_at": "2026-11-24T12:00:00Z",
        "updated_at": "2026-11-24T12:00:01Z",
        "expires_at": "2026-11-24T12:05:00Z",
        "status": status,
        "items": [
            {
                "id": f"{ID}-{number}",
                "item_type": item_type,
                "name": name,
                "price": price,
                "station": station,
                "status": state,
                "reason": "sold out" if state == "FAILED" else None,
            }
            for number, item_type, name, price, station, state in items
        ],
        "history": [{"status": "PLACED", "at": "2026-11-24T12:00:00Z", "cause": "placed"}],
        "kind": "order",
    }


def found(document: dict[str, Any]) -> Any:
    sidecar = FakeSidecar({ID: document})
    seen = asyncio.run(Orders(Sidecar(sidecar, "")).find(ID))
    assert seen is not None
    return seen


def test_an_order_that_had_ended_before_the_upgrade_keeps_its_end() -> None:
    """A terminal status never changes (G3)."""
    seen = found(stored("FAILED", "READY", "FAILED"))
    assert seen.status is OrderStatus.FAILED
    assert [seen.outcomes[item.id].status for item in seen.order.items] == [
        ItemStatus.READY,
        ItemStatus.FAILED,
    ]
    assert seen.order.settled is not None
    assert seen.order.total == 625


def test_an_order_that_was_open_at_the_upgrade_is_open() -> None:
    seen = found(stored("IN_PROGRESS", "READY", "PLACED"))
    assert seen.status is OrderStatus.PLACED
    assert seen.order.settled is None
