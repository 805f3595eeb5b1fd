"""Orders at a steady rate, whatever is outstanding, and how long each took to its end.

An order's time runs from the instant at which it was due to be sent to its terminal `updatedAt`, as
it is stored: one that was sent late because the shop was slow is as late as its customer has it
(no coordinated omission), and nobody asks the shop for it meanwhile.
"""

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import uvloop

from scripts.base.console import Failure
from tests.bench import orders
from tests.bench.load import Target
from tests.bench.orders import BOTH, Items


@dataclass(frozen=True)
class Timed:
    """Milliseconds of each order, ascending; infinite for one that was not fulfilled."""

    latencies: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """Of `share` of the orders none took longer (nearest rank)."""
        rank = max(1, math.ceil(share * len(self.latencies)))
        return self.latencies[rank - 1]


def place(counter: str, rate: float, seconds: float, items: Items = BOTH) -> "Placed":
    """Place `rate` orders a second."""
    return uvloop.run(_place(orders.targets(counter, items), counter, rate, round(rate * seconds)))


@dataclass(frozen=True)
class Placed:
    """Of each order when it was due (`time.time`), and its id; None if it was refused."""

    counter: str
    orders: tuple[tuple[float, str | None], ...]

    def read(self) -> Timed:
        """Read what became of them: when all of them have ended. Raises `Failure`."""
        return uvloop.run(_read(self))


async def _place(targets: list[Target], counter: str, rate: float, count: int) -> Placed:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        loop = asyncio.get_running_loop()
        begin, wall = loop.time() + 0.2, time.time() + 0.2
        posts = []
        for number in range(count):
            due = number / rate
            await asyncio.sleep(begin + due - loop.time())
            target = targets[number % len(targets)]
            posts.append(asyncio.create_task(_post(session, target, wall + due)))
        return Placed(counter, tuple(await asyncio.gather(*posts)))


async def _post(
    session: aiohttp.ClientSession, target: Target, due: float
) -> tuple[float, str | None]:
    headers = {"content-type": "application/json"}
    async with session.post(target.url, data=target.body, headers=headers) as answer:
        placed = await answer.json(content_type=None)
        return due, placed["id"] if answer.status == 201 else None


async def _read(placed: Placed) -> Timed:
    gate = asyncio.Semaphore(8)
    async with aiohttp.ClientSession(placed.counter) as session:

        async def latency(due: float, order_id: str | None) -> float:
            if order_id is None:
                return math.inf
            async with gate, session.get(f"{orders.PATH}/{order_id}") as answer:
                order = await answer.json()
            if order["status"] not in ("FULFILLED", "PARTIAL", "FAILED"):
                raise Failure(f"Order {order_id} has not ended after the run.")
            if order["status"] != "FULFILLED":
                return math.inf
            return (datetime.fromisoformat(order["updatedAt"]).timestamp() - due) * 1000

        found = await asyncio.gather(*(latency(*each) for each in placed.orders))
    return Timed(tuple(sorted(found)))
