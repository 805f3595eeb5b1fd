"""The workflow under conflicts: who meets another change tries again, and does not wait for it."""

import asyncio
import os
from dataclasses import dataclass

import pytest
from pydantic import TypeAdapter

from coffeeshop.contracts import OrderStatus, Station, StationAnswered
from coffeeshop.environment import Environment
from coffeeshop.logs import logger
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, Reply
from counter.order import Order
from counter.workflow import Workflow
from example_orders import NOW, placed, verdicts
from fake_sidecar import FakeSidecar

ORDER = placed([1], [])
ANSWER = StationAnswered(
    orderId=ORDER.id,
    station=Station.BARISTA,
    items=tuple(verdicts(ORDER, Station.BARISTA, frozenset())),
    answeredAt=NOW,
)


@dataclass
class Contested(FakeSidecar):
    """A store in which somebody else changes the document just before it is saved."""

    rivals: int = 0

    async def send(self, call: Call) -> Reply:
        if call.method == "POST" and self.rivals:
            self.rivals -= 1
            value, version = self.documents[ORDER.id]
            self.documents[ORDER.id] = (value, version + 1)
        return await super().send(call)


@pytest.mark.parametrize(("rivals", "pauses"), [(0, 0), (1, 0), (3, 2)])
def test_only_who_meets_others_again_and_again_waits(rivals: int, pauses: int) -> None:
    stored = TypeAdapter(Order).dump_python(ORDER, mode="json")
    sidecar = Contested({ORDER.id: (stored, 1)}, rivals=rivals)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    env = Environment(Settings(id_secret="s"), sidecar, lambda: NOW, os.urandom, sleep)
    workflow = Workflow(env, logger("counter-api", env.clock))
    asyncio.run(workflow.answered(ANSWER))
    saved = asyncio.run(workflow.find(ORDER.id))
    assert saved is not None
    assert saved.status is OrderStatus.FULFILLED
    assert len(slept) == pauses
    assert all(0 < seconds <= 0.02 for seconds in slept)
