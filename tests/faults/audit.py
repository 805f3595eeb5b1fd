"""What became of the orders: read from the stores and the streams, not asked of the APIs."""

import asyncio
import statistics
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

import httpx
import valkey

from coffeeshop.contracts import ItemStatus, OrderStatus
from counter.ids import derived_id
from counter.view import OrderView
from scripts.stack.supervise import Stack
from tests.faults.load import Attempt, post
from tests.faults.store_reader import STATIONS, StoreReader

PROMISED = 90.0
"""Seconds after the last restart within which every order has ended (G2)."""


@dataclass
class CaseResult:
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


class EndStateMonitor:
    """Looks at all orders every second, so that an end that changes again is seen (G3)."""

    def __init__(self, stores: StoreReader, attempts: list[Attempt]) -> None:
        self.ends: dict[str, OrderView] = {}
        self._stores = stores
        self._attempts = attempts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "EndStateMonitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            ids = {a.order_id for a in list(self._attempts) if a.order_id} - self.ends.keys()
            try:
                views = self._stores.views(ids)
                self.ends |= {k: seen for k, seen in views.items() if seen.is_terminal}
            except valkey.ValkeyError:
                continue  # it is Valkey that is being killed


class Auditor:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._stores = StoreReader(stack)

    @property
    def stores(self) -> StoreReader:
        return self._stores

    def monitor(self, attempts: list[Attempt]) -> EndStateMonitor:
        return EndStateMonitor(self._stores, attempts)

    def audit(
        self,
        fault: str,
        attempts: list[Attempt],
        monitor: EndStateMonitor,
        restarted: float,
        promised: float = PROMISED,
    ) -> CaseResult:
        """Wait for all to end, at most as long as was promised, and check each guarantee."""
        result = CaseResult(fault)
        placed = {a.order_id: a for a in attempts if a.order_id}
        orders = self._await_ends(set(placed), restarted + promised)
        result.acknowledged = len(placed)
        later = [a.begun - restarted for a in placed.values() if a.begun > restarted]
        result.notes += [f"orders again after {min(later):.1f} s"] if later else []
        result.lost = len(placed.keys() - orders.keys())
        if result.lost:
            result.broken.append(f"G1: {result.lost} acknowledged orders are gone")
        for order_id, seen in orders.items():
            self._judge(result, seen, placed[order_id], monitor.ends.get(order_id), promised)
            if seen.order.placed_at.timestamp() < restarted:
                recovery = seen.updated_at.timestamp() - restarted
                result.recoveries += [recovery] if recovery > 0 else []
        cancelled = sum(a.is_cancelled for a in placed.values())
        result.notes += [f"{cancelled} were to be cancelled"] if cancelled else []
        self._check_makes(result)
        asyncio.run(self._ask_again(result, [a for a in attempts if not a.is_acknowledged]))
        return result

    def settled(self) -> CaseResult:
        """Every order of the stack is indexed and, soon after its end, settled (G2, G11)."""
        result = CaseResult("all that was ever placed")
        deadline = time.time() + PROMISED
        while (left := self._stores.unsettled()) and time.time() < deadline:
            time.sleep(1)
        result.acknowledged = self._stores.count()
        result.recoveries.append(time.time() - deadline + PROMISED)
        if left:
            result.broken.append(f"G2: {len(left)} orders are not settled: {left[:3]}")
        if missing := self._stores.not_indexed():
            result.broken.append(f"G11: {len(missing)} are in no index: {missing[:3]}")
        return result

    def _await_ends(self, ids: set[str], until: float) -> dict[str, OrderView]:
        while True:
            try:
                orders = self._stores.views(ids)
            except valkey.ValkeyError:
                orders = {}
            is_open = [seen for seen in orders.values() if not seen.is_terminal]
            if (orders and not is_open) or not ids or time.time() > until:
                return orders
            time.sleep(0.5)

    def _judge(
        self,
        result: CaseResult,
        seen: OrderView,
        attempt: Attempt,
        before: OrderView | None,
        promised: float,
    ) -> None:
        name, status = seen.order.id, seen.status
        statuses = {outcome.status for outcome in seen.outcomes.values()}
        reasons = [o.reason for o in seen.outcomes.values() if o.status is ItemStatus.FAILED]
        if not seen.is_terminal:
            result.broken.append(f"G2: {name} is {status} {promised:.0f} s after the restart")
        elif status is OrderStatus.FULFILLED:
            result.fulfilled += 1
            if attempt.has_sold_out:
                result.broken.append(f"G5: {name} has an item that was sold out and is {status}")
        else:
            result.failed += all(reasons)
            is_explained = attempt.has_sold_out or _came_too_late(seen)
            if reasons and not is_explained:
                result.broken.append(f"G2: {name} could be made and failed: {reasons}")
            if ItemStatus.CANCELLED in statuses and not attempt.is_cancelled:
                result.broken.append(f"G16: {name} is {status}, and nobody cancelled it")
        if before is not None and before != seen:
            result.broken.append(f"G3: {name} had ended and was changed")

    def _check_makes(self, result: CaseResult) -> None:
        """Each item's makeIds over the stations' stores and every report ever published (G4), and
        that what was cancelled has none (G16)."""
        makes: defaultdict[str, set[str]] = defaultdict(set)
        cancelled: set[str] = set()
        for station in STATIONS:
            reports = [
                *self._stores.records(station).values(),
                *self._stores.events(f"{station}_order_updated"),
            ]
            for report in reports:
                # Poison is no report, whatever it is.
                for item in report.get("items", ()) if isinstance(report, dict) else ():
                    if item["makeId"]:
                        makes[item["id"]].add(item["makeId"])
                    if item["status"] == "CANCELLED":
                        cancelled.add(item["id"])
        result.made_twice = sum(len(ids) > 1 for ids in makes.values())
        if result.made_twice:
            result.broken.append(f"G4: {result.made_twice} items were made twice")
        if both := cancelled & makes.keys():
            result.broken.append(f"G16: {len(both)} items were made and cancelled")

    async def _ask_again(self, result: CaseResult, silent: list[Attempt]) -> None:
        """An order that was not acknowledged does not exist, or ends too; its key tells (G6)."""
        if not silent:
            return
        secret = self._stack.secrets["id_secret"].encode()
        by_id = {derived_id(secret, "", attempt.key): attempt for attempt in silent}
        existed = set(self._stores.views(by_id))
        self._await_ends(existed, time.time() + PROMISED)
        counter = f"http://127.0.0.1:{self._stack.ports.app('counter')}"
        answered: set[str] = set()
        async with httpx.AsyncClient(base_url=counter, timeout=30) as client:
            for order_id, attempt in by_id.items():
                status, again = await _until_told(client, attempt, time.time() + PROMISED)
                if not (status == 409 or (status == 201 and again == order_id)):
                    result.broken.append(f"G6: {attempt.key} is answered {status} {again}")
                if status == 201:
                    answered.add(order_id)
        after = self._await_ends(answered, time.time() + PROMISED)
        stuck = [k for k in answered if k not in after or not after[k].is_terminal]
        if stuck:
            result.broken.append(f"G2: asked for again and not ended: {stuck[:3]}")
        abandoned = len(by_id) - len(answered)
        result.notes.append(
            f"{len(silent)} not acknowledged: {len(existed)} existed, {abandoned} abandoned"
        )


def _came_too_late(seen: OrderView) -> bool:
    """Whether a station heard of the order only after its deadline: it must fail then (W5)."""
    reasons = [o.reason or "" for o in seen.outcomes.values() if o.status is ItemStatus.FAILED]
    return seen.updated_at > seen.order.expires_at and any("too late" in each for each in reasons)


async def _until_told(
    client: httpx.AsyncClient, attempt: Attempt, until: float
) -> tuple[int | None, str | None]:
    """As a POS does it: 503 and no answer mean to ask again."""
    while True:
        status, order_id = await post(client, attempt)
        if status not in (None, 429, 503) or time.time() > until:
            return status, order_id
        await asyncio.sleep(0.5)
