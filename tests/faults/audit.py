"""What became of the orders: read from the stores and the streams, not asked of the APIs."""

import asyncio
import json
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import valkey

from counter.workflow import derived_id
from scripts.supervise import Stack
from tests.faults.load import Attempt, post

COUNTER, STATIONS = 1, {"barista": 2, "kitchen": 3}
TERMINAL = ("FULFILLED", "FAILED")
PROMISED = 90.0
"""Seconds after the last restart within which every order has ended (G2)."""

Json = dict[str, Any]


@dataclass
class Verdict:
    """One row of the table. `broken` says what does not hold, with the guarantee's number."""

    fault: str
    acknowledged: int = 0
    fulfilled: int = 0
    failed: int = 0
    lost: int = 0
    made_twice: int = 0
    recoveries: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(self) -> str:
        slowest = f"{max(self.recoveries):.1f}" if self.recoveries else "-"
        median = f"{statistics.median(self.recoveries):.1f}" if self.recoveries else "-"
        return (
            f"{self.fault:34}{self.acknowledged:>8}{self.fulfilled:>10}{self.failed:>8}"
            f"{self.lost:>6}{self.made_twice:>7}{median:>8}{slowest:>8}"
            f"  {'; '.join(self.broken) or 'holds'}{''.join(f' ({n})' for n in self.notes)}"
        )

    @staticmethod
    def head() -> str:
        return (
            f"{'fault':34}{'placed':>8}{'fulfilled':>10}{'failed':>8}{'lost':>6}{'twice':>7}"
            f"{'p50 s':>8}{'max s':>8}  verdict"
        )


class Books:
    """The stores of counter-api and of the stations, and the topics."""

    def __init__(self, stack: Stack) -> None:
        self._port = stack.ports.valkey
        self._password = stack.secrets["valkey_password"]

    def database(self, number: int) -> "valkey.Valkey":
        return valkey.Valkey(
            port=self._port,
            db=number,
            password=self._password,
            decode_responses=True,
            socket_timeout=10,
        )

    def orders(self, ids: Iterable[str]) -> dict[str, Json]:
        """counter-api's records by order id: orders and tombstones."""
        return dict(self._documents(COUNTER, "counter-api||", ids))

    def answers(self, station: str) -> dict[str, Json]:
        """All of a station's records by order id."""
        prefix = f"{station}-api||order-"
        keys: Any = self.database(STATIONS[station]).scan_iter(f"{prefix}*", 1000)
        ids = [key.removeprefix(prefix) for key in keys]
        return dict(self._documents(STATIONS[station], prefix, ids))

    def _documents(
        self, database: int, prefix: str, ids: Iterable[str]
    ) -> Iterable[tuple[str, Json]]:
        wanted = list(ids)
        pipe = self.database(database).pipeline(transaction=False)
        for order_id in wanted:
            pipe.hget(prefix + order_id, "data")
        found: list[str | None] = pipe.execute()  # type: ignore[no-untyped-call] # valkey's own
        for order_id, text in zip(wanted, found, strict=True):
            if text is not None:
                yield order_id, json.loads(text)

    def events(self, topic: str) -> list[Json]:
        """The data of every event of the topic; of one that is none, whatever was published."""
        entries: Any = self.database(0).xrange(topic)
        return [json.loads(entry["data"])["data"] for _, entry in entries]


class Witness:
    """Looks at all orders every second, so that an end that changes again is seen (G3)."""

    def __init__(self, books: Books, attempts: list[Attempt]) -> None:
        self.ends: dict[str, Json] = {}
        self._books = books
        self._attempts = attempts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            ids = {a.order_id for a in list(self._attempts) if a.order_id} - self.ends.keys()
            try:
                for order_id, order in self._books.orders(ids).items():
                    if order.get("status") in TERMINAL:
                        self.ends[order_id] = order
            except valkey.ValkeyError:
                continue  # it is Valkey that is being killed


class Auditor:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._books = Books(stack)

    @property
    def books(self) -> Books:
        return self._books

    def witness(self, attempts: list[Attempt]) -> Witness:
        return Witness(self._books, attempts)

    def audit(
        self, fault: str, attempts: list[Attempt], witness: Witness, restarted: float
    ) -> Verdict:
        """Wait for all to end, at most as long as was promised, and check each guarantee."""
        verdict = Verdict(fault)
        placed = {a.order_id: a for a in attempts if a.order_id}
        orders = self._await_ends(set(placed), restarted)
        verdict.acknowledged = len(placed)
        later = [a.begun - restarted for a in placed.values() if a.begun > restarted]
        verdict.notes += [f"orders again after {min(later):.1f} s"] if later else []
        verdict.lost = len(placed.keys() - orders.keys())
        if verdict.lost:
            verdict.broken.append(f"G1: {verdict.lost} acknowledged orders are gone")
        for order_id, order in orders.items():
            self._judge(verdict, order, placed[order_id], witness.ends.get(order_id))
            if _seconds(order["placed_at"]) < restarted:
                recovery = _seconds(order["updated_at"]) - restarted
                verdict.recoveries += [recovery] if recovery > 0 else []
        self._count_makes(verdict)
        asyncio.run(self._ask_again(verdict, [a for a in attempts if not a.is_acknowledged]))
        return verdict

    def _await_ends(self, ids: set[str], restarted: float) -> dict[str, Json]:
        while True:
            try:
                orders = self._books.orders(ids)
            except valkey.ValkeyError:
                orders = {}
            is_open = [o for o in orders.values() if o.get("status") not in TERMINAL]
            if (orders and not is_open) or not ids or time.time() > restarted + PROMISED:
                return orders
            time.sleep(0.5)

    def _judge(self, verdict: Verdict, order: Json, attempt: Attempt, seen: Json | None) -> None:
        name = order["id"]
        status = order.get("status")
        if status == "FULFILLED":
            verdict.fulfilled += 1
        elif status == "FAILED":
            reasons = [i["reason"] for i in order["items"] if i["status"] == "FAILED"]
            verdict.failed += 1 if reasons and all(reasons) else 0
            if not attempt.has_sold_out:
                verdict.broken.append(f"G2: {name} could be made and failed: {reasons}")
        else:
            verdict.broken.append(f"G2: {name} is {status} {PROMISED:.0f} s after the restart")
        if status == "FULFILLED" and attempt.has_sold_out:
            verdict.broken.append(f"G5: {name} has an item that was sold out and is {status}")
        if seen is not None and seen != order:
            verdict.broken.append(f"G3: {name} had ended and was changed")

    def _count_makes(self, verdict: Verdict) -> None:
        """Each item's makeIds over the stations' stores and every answer ever published (G4)."""
        makes: defaultdict[str, set[str]] = defaultdict(set)
        for station in STATIONS:
            answers = [
                *self._books.answers(station).values(),
                *self._books.events(f"{station}_order_updated"),
            ]
            for answer in answers:
                # Poison is no answer, whatever it is.
                for item in answer.get("items", ()) if isinstance(answer, dict) else ():
                    if item["makeId"]:
                        makes[item["id"]].add(item["makeId"])
        verdict.made_twice = sum(len(ids) > 1 for ids in makes.values())
        if verdict.made_twice:
            verdict.broken.append(f"G4: {verdict.made_twice} items were made twice")

    async def _ask_again(self, verdict: Verdict, silent: list[Attempt]) -> None:
        """An order that was not acknowledged does not exist, or ends too; its key tells (G6)."""
        if not silent:
            return
        secret = self._stack.secrets["id_secret"].encode()
        by_id = {derived_id(secret, "", attempt.key): attempt for attempt in silent}
        before = self._books.orders(by_id)
        open_orders = [k for k, o in before.items() if o.get("status") in ("PLACED", "IN_PROGRESS")]
        self._await_ends(set(open_orders), time.time())
        counter = f"http://127.0.0.1:{self._stack.ports.app('counter')}"
        answered: list[str] = []
        async with httpx.AsyncClient(base_url=counter, timeout=30) as client:
            for order_id, attempt in by_id.items():
                status, again = await _until_told(client, attempt, time.time() + PROMISED)
                if not (status == 409 or (status == 201 and again == order_id)):
                    verdict.broken.append(f"G6: {attempt.key} is answered {status} {again}")
                if status == 201:
                    answered.append(order_id)
        after = self._await_ends(set(answered), time.time())
        stuck = [k for k in answered if after.get(k, {}).get("status") not in TERMINAL]
        if stuck:
            verdict.broken.append(f"G2: asked for again and not ended: {stuck[:3]}")
        abandoned = len(by_id) - len(answered)
        existed = sum(record["kind"] == "order" for record in before.values())
        verdict.notes.append(
            f"{len(silent)} not acknowledged: {existed} existed, {abandoned} abandoned"
        )


async def _until_told(
    client: httpx.AsyncClient, attempt: Attempt, until: float
) -> tuple[int | None, str | None]:
    """As a POS does it: 503 and no answer mean to ask again."""
    while True:
        status, order_id = await post(client, attempt)
        if status not in (None, 429, 503) or time.time() > until:
            return status, order_id
        await asyncio.sleep(0.5)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
