"""A steady load of believable orders: open loop, each with a key, each posted once."""

import asyncio
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

SOLD_OUT = 8
"""MUFFIN: the runs list it as sold out, so that an order with it must fail and say why."""
PATIENCE = 5
"""Seconds after which a customer stops waiting for an answer."""
REGRETS = 20
"""One in so many customers cancels what was acknowledged."""

BASKETS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    *(((1,), (7,)),) * 5,
    ((5,), ()),
    ((), (6,)),
    ((0, 1), (7, 9)),
    ((1,), (SOLD_OUT,)),
)


@dataclass(slots=True)
class Attempt:
    """One post. `status` is None when no answer came; times are of `time.time()`."""

    key: str
    body: dict[str, Any]
    begun: float
    status: int | None = None
    order_id: str | None = None
    seconds: float = 0.0
    is_cancelled: bool = False
    """Whether the customer asked for that: what was begun by then is made all the same."""

    @property
    def is_acknowledged(self) -> bool:
        return self.status == 201

    @property
    def has_sold_out(self) -> bool:
        return any(item["itemType"] == SOLD_OUT for item in self.body["kitchenItems"])


class Load:
    """As a context it posts `rate` orders a second, from a thread of its own, until it ends."""

    def __init__(self, counter: str, rate: float, seed: int) -> None:
        self.attempts: list[Attempt] = []
        self._counter = counter
        self._rate = rate
        self._random = random.Random(seed)
        self._name = f"faults-{seed}-{time.time_ns()}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Post no more, and return when every answer is there or given up."""
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        async with (
            httpx.AsyncClient(base_url=self._counter, timeout=PATIENCE, limits=limits) as client,
            asyncio.TaskGroup() as posts,
        ):
            begin = time.monotonic()
            while not self._stop.is_set():
                posts.create_task(self._post(client))
                due = begin + len(self.attempts) / self._rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _post(self, client: httpx.AsyncClient) -> None:
        barista, kitchen = self._random.choice(BASKETS)
        number = len(self.attempts)
        body = {
            "loyaltyMemberId": f"customer-{number % 50}",
            "baristaItems": [{"itemType": item} for item in barista],
            "kitchenItems": [{"itemType": item} for item in kitchen],
        }
        attempt = Attempt(f"{self._name}-{number}", body, time.time())
        self.attempts.append(attempt)
        begin = time.monotonic()
        attempt.status, attempt.order_id = await post(client, attempt)
        attempt.seconds = time.monotonic() - begin
        if attempt.is_acknowledged and number % REGRETS == 0:
            attempt.is_cancelled = True
            with suppress(httpx.TransportError):
                await client.post(f"/v1/api/orders/{attempt.order_id}/cancel")


async def post(client: httpx.AsyncClient, attempt: Attempt) -> tuple[int | None, str | None]:
    """Post the order; its status and, if it was placed, its id."""
    headers = {"idempotency-key": attempt.key}
    try:
        answer = await client.post("/v1/api/orders", json=attempt.body, headers=headers)
    except httpx.TransportError:
        return None, None
    return answer.status_code, answer.json()["id"] if answer.status_code == 201 else None


async def flood(
    counter: str, connections: int, seconds: float, name: str
) -> tuple[list[Attempt], set[str]]:
    """Post as fast as `connections` customers can, whatever they are told. Returns the attempts,
    and what was answered that is no answer of ours: any status but 201, 429 and 503, or a refusal
    without `Retry-After`."""
    attempts: list[Attempt] = []
    wrong: set[str] = set()
    end = time.monotonic() + seconds

    async def customer(number: int) -> None:
        # A client each: one pool for all would queue its customers before they ask.
        async with httpx.AsyncClient(base_url=counter, timeout=30) as client:
            while time.monotonic() < end:
                body = {
                    "loyaltyMemberId": f"customer-{number}",
                    "baristaItems": [{"itemType": 1}],
                    "kitchenItems": [{"itemType": 7}],
                }
                attempt = Attempt(f"{name}-{len(attempts)}", body, time.time())
                attempts.append(attempt)
                headers = {"idempotency-key": attempt.key}
                begin = time.monotonic()
                try:
                    answer = await client.post("/v1/api/orders", json=body, headers=headers)
                except httpx.TransportError as error:
                    wrong.add(repr(error))
                    continue
                attempt.seconds = time.monotonic() - begin
                attempt.status = answer.status_code
                if attempt.status == 201:
                    attempt.order_id = answer.json()["id"]
                elif attempt.status not in (429, 503) or "retry-after" not in answer.headers:
                    wrong.add(f"{attempt.status} {answer.text[:200]}")

    await asyncio.gather(*(customer(number) for number in range(connections)))
    return attempts, wrong
