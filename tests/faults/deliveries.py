"""Reports at the same moment, deliveries repeated and out of order, and events that are none."""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.audit import CaseResult
from tests.faults.run import Run

Json = dict[str, Any]

ROUTES = {
    "barista_order_placed": ("barista", "/dapr_subscribe_BaristaOrdered"),
    "kitchen_order_placed": ("kitchen", "/dapr_subscribe_KitchenOrdered"),
    "barista_order_cancelled": ("barista", "/dapr_subscribe_BaristaOrderCancelled"),
    "kitchen_order_cancelled": ("kitchen", "/dapr_subscribe_KitchenOrderCancelled"),
    "barista_order_updated": ("counter", "/dapr_subscribe_BaristaOrderUpdated"),
    "kitchen_order_updated": ("counter", "/dapr_subscribe_KitchenOrderUpdated"),
}
BODY: Json = {
    "loyaltyMemberId": "ann",
    "baristaItems": [{"itemType": 1}],
    "kitchenItems": [{"itemType": 7}],
}
OWN = ("placedAt", "updatedAt", "expiresAt", "at", "number", "estimateSeconds")
"""What is each order's own, beside its ids."""
POISON_LIMIT = 5.0
"""Seconds by which ten poisonous events may delay good ones."""


class Deliverer:
    """Hands events to the APIs as their sidecars do."""

    def __init__(self, run: Run, client: httpx.AsyncClient) -> None:
        self._run = run
        self._client = client
        self._headers = {
            "dapr-api-token": run.stack.secrets["app_token"],
            "content-type": "application/cloudevents+json",
        }

    async def deliver(self, topic: str, data: Json) -> int:
        api, route = ROUTES[topic]
        url = f"{self._run.url(api)}{route}"
        while True:
            answer = await self._client.post(url, json={"data": data}, headers=self._headers)
            if answer.status_code != 503:  # as the sidecar does it: 503 is delivered again
                return answer.status_code

    async def place(self) -> str:
        while True:
            url = f"{self._run.url('counter')}/v1/api/orders"
            answer = await self._client.post(url, json=BODY)
            if answer.status_code == 201:
                return str(answer.json()["id"])

    async def order(self, order_id: str, wait: int = 0) -> Json:
        url = f"{self._run.url('counter')}/v1/api/orders/{order_id}"
        answer = await self._client.get(url, params={"wait": wait})
        found: Json = answer.raise_for_status().json()
        return found


def same_moment(run: Run, orders: int = 1_000) -> Iterator[CaseResult]:
    """While the stations hear nothing, both reports of each order arrive at once. Of half of the
    orders more comes: that items wait, that they are begun, and the end, twice and in any order."""
    result = CaseResult(f"{orders:,} orders, both reports at once")
    names = ("barista-sidecar", "kitchen-sidecar")
    for name in names:
        run.stack.stop(name)
    try:
        ends, answers = asyncio.run(_answer_all(run, orders))
    finally:
        for name in names:
            run.stack.start(name)
    result.acknowledged = orders
    result.fulfilled = sum(order["status"] == "FULFILLED" for order in ends)
    if result.fulfilled != orders:
        result.broken.append(f"G2: {orders - result.fulfilled} updates were lost")
    if answers != {204}:
        result.broken.append(f"G14: the reports were answered {answers}")
    forms = {json.dumps(_without_own(order)) for order in ends}
    if len(forms) != 1:
        result.broken.append(f"G15: {len(forms)} different orders came of the same reports")
    # The stations hear of the orders now, and report: too late to change anything.
    time.sleep(10)
    changed = asyncio.run(_changed(run, ends))
    if changed:
        result.broken.append(f"G3: {changed} orders had ended and were changed")
    yield result


async def _answer_all(run: Run, count: int) -> tuple[list[Json], set[int]]:
    async with httpx.AsyncClient(timeout=60) as client:
        deliverer = Deliverer(run, client)
        shuffled = random.Random(run.seed)
        statuses: set[int] = set()

        async def one(number: int) -> Json:
            order_id = await deliverer.place()
            ends = [(t, _answer(order_id, t)) for t in ("barista", "kitchen")]
            more = [(t, _under_way(e, n)) for t, e in ends for n in (1, 2)]
            deliveries = ends if number % 2 else shuffled.sample((ends + more) * 2, 12)
            statuses.update(
                await asyncio.gather(
                    *(deliverer.deliver(f"{t}_order_updated", data) for t, data in deliveries)
                )
            )
            return await deliverer.order(order_id)

        return await _some_at_a_time(8, [one(number) for number in range(count)]), statuses


async def _some_at_a_time(width: int, calls: Sequence[Any]) -> list[Json]:
    gate = asyncio.Semaphore(width)

    async def gated(call: Any) -> Json:
        async with gate:
            found: Json = await call
            return found

    return list(await asyncio.gather(*map(gated, calls)))


async def _changed(run: Run, ends: list[Json]) -> int:
    async with httpx.AsyncClient(timeout=60) as client:
        deliverer = Deliverer(run, client)
        now = await _some_at_a_time(8, [deliverer.order(order["id"]) for order in ends])
    return sum(a != b for a, b in zip(ends, now, strict=True))


def _answer(order_id: str, station: str) -> Json:
    number, item_type, name = (
        (1, 1, "COFFEE_BLACK") if station == "barista" else (2, 7, "CROISSANT")
    )
    item = {"id": f"{order_id}-{number}", "itemType": item_type, "name": name, "status": "READY"}
    return {
        "version": 1,
        "orderId": order_id,
        "station": station,
        "sequence": 3,
        "final": True,
        "items": [{**item, "reason": None, "makeId": f"test-{order_id}-{number}"}],
        "answeredAt": "2026-11-24T12:00:00Z",
    }


def _under_way(end: Json, sequence: int) -> Json:
    """An earlier report than the one that ends the order."""
    status = {1: "QUEUED", 2: "STARTED"}[sequence]
    items = [{**item, "status": status, "makeId": None} for item in end["items"]]
    return {**end, "sequence": sequence, "final": False, "items": items}


def _without_own(order: Json) -> Json:
    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k not in OWN}
        if isinstance(value, list):
            return [strip(each) for each in value]
        return value.replace(order["id"], "ID") if isinstance(value, str) else value

    stripped: Json = strip(order)
    return stripped


def redelivered(run: Run, orders: int = 50) -> Iterator[CaseResult]:
    """Every real event of finished orders, five times more and in any order."""
    result = CaseResult(f"{orders} orders, each event five times more")
    before, after, statuses = asyncio.run(_redeliver(run, orders))
    result.acknowledged = orders
    result.fulfilled = sum(order["status"] == "FULFILLED" for order in after)
    if before != after:
        result.broken.append("G12: a repeated event changed an order")
    if statuses != {204}:
        result.broken.append(f"G14: repeated events were answered {statuses}")
    yield result


async def _redeliver(run: Run, count: int) -> tuple[list[Json], list[Json], set[int]]:
    stores = run.auditor.stores
    async with httpx.AsyncClient(timeout=60) as client:
        deliverer = Deliverer(run, client)
        ids = [await deliverer.place() for _ in range(count)]
        before = [await deliverer.order(order_id, wait=30) for order_id in ids]
        wanted = set(ids)
        events = [
            (topic, event)
            for topic in ROUTES
            for event in stores.events(topic)
            if isinstance(event, dict) and event.get("orderId") in wanted
        ]
        deliveries = random.Random(run.seed).sample(events * 5, len(events) * 5)
        statuses: set[int] = set()
        for start in range(0, len(deliveries), 8):
            batch = deliveries[start : start + 8]
            statuses |= set(await asyncio.gather(*(deliverer.deliver(*each) for each in batch)))
        after = [await deliverer.order(order_id) for order_id in ids]
    return before, after, statuses


def poison(run: Run) -> Iterator[CaseResult]:
    """Events that are none, on each topic: the next good one is handled within a second."""
    result = CaseResult("poison on each topic")
    slowest = 0.0
    for topic in ROUTES:
        for what, data in _poisons(topic).items():
            _publish(run, topic, data)
            seconds = _time_one(run)
            slowest = max(slowest, seconds)
            if seconds > 1:
                result.broken.append(f"G14: {seconds:.1f} s behind {what} on {topic}")
            result.acknowledged += 1
            result.fulfilled += 1
    result.notes.append(f"the slowest good order took {slowest:.2f} s")
    dead = {topic: len(run.auditor.stores.events(f"{topic}_dead")) for topic in ROUTES}
    if not all(dead.values()):
        result.broken.append(f"G12: not dead-lettered: {dead}")
    yield result
    result = CaseResult("ten poisonous events at once")
    for topic in ROUTES:
        for _ in range(10):
            _publish(run, topic, {"version": 99, "orderId": "nobody"})
    seconds = _time_one(run)
    result.acknowledged = result.fulfilled = 1
    result.notes.append(f"on each topic; a good order took {seconds:.2f} s")
    if seconds > POISON_LIMIT:
        result.broken.append(f"G14: a good order took {seconds:.1f} s")
    yield result


def _poisons(topic: str) -> dict[str, Any]:
    # Of its own: other tests use one that is always the same, and cancel it.
    unknown = str(uuid4())
    station = topic.partition("_")[0]
    placed = {"version": 1, "orderId": unknown, "expiresAt": "2020-01-01T00:00:00Z", "items": []}
    known = _answer(unknown, station) if topic.endswith("updated") else placed
    return {
        "a malformed event": {"nonsense": True},
        "an event that is no object": "nonsense",
        "an event for an unknown order": known,
        "an event of an unknown version": {**known, "version": 99},
        "an event of 1 MiB": {**known, "more": "x" * (1 << 20)},
    }


def _publish(run: Run, topic: str, data: Any) -> None:
    """Through the sidecar of the API that may publish it."""
    api = topic.partition("_")[0] if topic.endswith("updated") else "counter"
    url = f"http://127.0.0.1:{run.stack.ports.sidecar(api)}/v1.0/publish/pubsub/{topic}"
    headers = {"dapr-api-token": run.stack.secrets["sidecar_token"]}
    httpx.post(url, json=data, headers=headers, timeout=10).raise_for_status()


def _time_one(run: Run) -> float:
    """Seconds from placing a good order to its end."""

    async def placed_and_ended() -> float:
        async with httpx.AsyncClient(timeout=60) as client:
            deliverer = Deliverer(run, client)
            begin = time.monotonic()
            order = await deliverer.order(await deliverer.place(), wait=30)
            assert order["status"] == "FULFILLED", order
            return time.monotonic() - begin

    return asyncio.run(placed_and_ended())
