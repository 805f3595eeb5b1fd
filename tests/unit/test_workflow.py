"""The workflow under conflicts: who meets another change tries again, and does not wait for it."""

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from coffeeshop.contracts import (
    ItemRequest,
    ItemStatus,
    MadeItem,
    MenuItem,
    OrderStatus,
    PlaceOrder,
    Station,
    StationAnswered,
)
from coffeeshop.environment import Environment
from coffeeshop.logs import logger
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, Reply
from counter.order import Order, place
from counter.workflow import Workflow
from fake_sidecar import FakeSidecar

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MENU = {
    1: MenuItem(itemType=1, name="COFFEE", price=Decimal(3), station=Station.BARISTA, image="/1")
}
ORDER = place(
    PlaceOrder(loyaltyMemberId="ann", items=(ItemRequest(itemType=1),)),
    MENU,
    order_id="o",
    body_hash="h",
    now=NOW,
    deadline=timedelta(minutes=5),
)
ANSWER = StationAnswered(
    orderId="o",
    station=Station.BARISTA,
    items=(
        MadeItem(
            id=ORDER.items[0].id,
            itemType=1,
            name="COFFEE",
            status=ItemStatus.READY,
            reason=None,
            makeId="m",
        ),
    ),
    answeredAt=NOW,
)
ORDERS = TypeAdapter(Order)


@dataclass
class Contested(FakeSidecar):
    """A store in which somebody else changes the document just before it is saved."""

    rivals: int = 0

    async def send(self, call: Call) -> Reply:
        if call.method == "POST" and self.rivals:
            self.rivals -= 1
            value, version = self.documents["o"]
            self.documents["o"] = (value, version + 1)
        return await super().send(call)


@pytest.mark.parametrize(("rivals", "pauses"), [(0, 0), (1, 0), (3, 2)])
def test_only_who_meets_others_again_and_again_waits(rivals: int, pauses: int) -> None:
    sidecar = Contested({"o": (ORDERS.dump_python(ORDER, mode="json"), 1)}, rivals=rivals)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    env = Environment(Settings(id_secret="s"), sidecar, lambda: NOW, os.urandom, sleep)
    asyncio.run(Workflow(env, logger("counter-api", env.clock)).answered(ANSWER))
    saved = ORDERS.validate_json(json.dumps(sidecar.documents["o"][0]))
    assert saved.status is OrderStatus.FULFILLED
    assert len(slept) == pauses
    assert all(0 < seconds <= 0.02 for seconds in slept)
