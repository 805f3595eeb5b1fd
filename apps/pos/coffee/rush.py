"""A rush: believable customers come at a steady rate, and each one waits for her order.

Arrivals do not wait for the shop: when it slows down, more customers wait at once. A request that
got no answer, 429 or 503 is repeated with the same Idempotency-Key, as a till does; one whose order
was abandoned (409: it will never be made) is repeated with a new key.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from coffee.client import ENDED, Json, options, order_document

NAMES = (
    *("ann", "bob", "chen", "divya", "emre", "fatou", "grace", "hugo", "ines", "jonas"),
    *("kofi", "lena", "mira", "noor", "olga", "pavel", "quinn", "rosa", "sami", "tove"),
)
FAVOURITES = {"COFFEE_BLACK": 6, "LATTE": 5, "CAPPUCCINO": 5, "CROISSANT": 5, "MUFFIN": 3}
"""How much likelier than another item."""
PLACE_PATIENCE, WAIT_PATIENCE = 60.0, 420.0
"""Seconds. An order ends for certain after its deadline (300 s) and the grace (90 s)."""


@dataclass
class Summary:
    """`seconds` are from the first request to the order's end, of those that ended."""

    wanted: int
    placed: int = 0
    fulfilled: int = 0
    failed: int = 0
    refused: int = 0
    """Never placed: the shop said no, or did not take the order in time."""
    unaccounted: int = 0
    """Placed, and not seen to end."""
    repeated: int = 0
    seconds: list[float] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float | None:
        """In seconds; of no order it is None."""
        if not self.seconds:
            return None
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def is_whole(self) -> bool:
        """Every customer has her order's end."""
        return self.placed == self.wanted == self.fulfilled + self.failed

    def document(self) -> Json:
        p50, p99 = self.percentile(0.50), self.percentile(0.99)
        return {
            "wanted": self.wanted,
            "placed": self.placed,
            "fulfilled": self.fulfilled,
            "failed": self.failed,
            "refused": self.refused,
            "unaccounted": self.unaccounted,
            "repeatedRequests": self.repeated,
            "p50Ms": None if p50 is None else round(p50 * 1000),
            "p99Ms": None if p99 is None else round(p99 * 1000),
            "trouble": dict(self.trouble),
        }


def choose(menu: Sequence[Json], luck: random.Random) -> list[Json]:
    """What a customer takes: mostly one or two things, from what is available."""
    available = [item for item in menu if item["available"] is not False]
    weights = [FAVOURITES.get(item["name"], 1) for item in available]
    count = luck.choices((1, 2, 3, 4), (4, 5, 2, 1))[0]
    return luck.choices(available, weights, k=count)


async def rush(
    url: str,
    menu: Sequence[Json],
    rate: float,
    seconds: float,
    step: Callable[[Summary], None],
    luck: random.Random | None = None,
) -> Summary:
    """Customers at `rate` a second for `seconds`. `step` is told of each one that is done."""
    luck = luck or random.Random()  # noqa: S311 - customers, not secrets
    summary = Summary(wanted=max(1, round(rate * seconds)))
    limits = httpx.Limits(max_connections=400, max_keepalive_connections=100)
    async with (
        httpx.AsyncClient(**options(url), limits=limits) as client,
        asyncio.TaskGroup() as customers,
    ):
        begin = time.monotonic()
        for number in range(summary.wanted):
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            document = order_document(luck.choice(NAMES), choose(menu, luck))
            customers.create_task(_customer(client, document, summary, step))
    return summary


async def _customer(
    client: httpx.AsyncClient, document: Json, summary: Summary, step: Callable[[Summary], None]
) -> None:
    came = time.monotonic()
    placed = await _placed(client, document, summary)
    if placed is None:
        summary.refused += 1
    else:
        summary.placed += 1
        status = await _end(client, placed["id"], summary)
        if status is None:
            summary.unaccounted += 1
        else:
            summary.seconds.append(time.monotonic() - came)
            summary.fulfilled += status == "FULFILLED"
            summary.failed += status != "FULFILLED"
    step(summary)


async def _placed(client: httpx.AsyncClient, document: Json, summary: Summary) -> Json | None:
    key = _new_key()
    give_up = time.monotonic() + PLACE_PATIENCE
    while time.monotonic() < give_up:
        try:
            answer = await client.post("/v1/api/orders", json=document, headers=key)
        except httpx.TransportError as error:
            summary.trouble[type(error).__name__] += 1
        else:
            if answer.status_code == 201:
                found: Json = answer.json()
                return found
            summary.trouble[str(answer.status_code)] += 1
            if answer.status_code == 409:
                key = _new_key()
            elif answer.status_code not in (429, 503):
                return None
        summary.repeated += 1
        await asyncio.sleep(0.5)
    return None


def _new_key() -> dict[str, str]:
    return {"idempotency-key": str(uuid4())}


async def _end(client: httpx.AsyncClient, order_id: str, summary: Summary) -> str | None:
    """How the order ended; None if that was not to be learned."""
    give_up = time.monotonic() + WAIT_PATIENCE
    while time.monotonic() < give_up:
        try:
            answer = await client.get(f"/v1/api/orders/{order_id}", params={"wait": 30})
            if answer.status_code == 200 and answer.json()["status"] in ENDED:
                return str(answer.json()["status"])
            if answer.status_code != 200:
                summary.trouble[str(answer.status_code)] += 1
                await asyncio.sleep(0.5)
        except httpx.TransportError as error:
            summary.trouble[type(error).__name__] += 1
            await asyncio.sleep(0.5)
    return None
