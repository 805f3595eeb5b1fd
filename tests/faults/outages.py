"""Processes killed, a station away, the store away, and more load than can be taken."""

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil

from scripts.stack import resources
from scripts.stack.supervise import Stack
from tests.faults.audit import CaseResult
from tests.faults.load import Attempt, flood
from tests.faults.run import Run

APIS = tuple(f"{api}-api" for api in resources.apis())
SIDECARS = tuple(f"{api}-sidecar" for api in resources.apis())
ALL = (*APIS, *SIDECARS, "valkey")
DOWNTIME = 3.0
"""Seconds from a kill to the restart."""
QUESTIONS = 7
"""How often a station that is away is asked about an order in five minutes (W8)."""
BACK = 60.0
"""Seconds after a station's return within which all orders have ended."""
OVERLOAD_P99 = 15.0
"""Seconds. Bounded by the wait for a place at counter-api, which the connections share."""


def kill(run: Run, names: Sequence[str], title: str | None = None) -> CaseResult:
    """`kill -9` at a random moment, restart after 3 s."""

    def disturb(_attempts: list[Attempt]) -> float:
        run.some_moment()
        run.stack.crash(names, DOWNTIME)
        return time.time()

    return run.under_load(title or " + ".join(names), disturb)


def kill_each(run: Run) -> Iterator[CaseResult]:
    for name in ALL:
        yield kill(run, [name])


def kill_in_turn(run: Run, names: Sequence[str]) -> CaseResult:
    """One process after the other, under one load."""

    def disturb(_attempts: list[Attempt]) -> float:
        for name in names:
            time.sleep(run.seconds * run.random.uniform(0.05, 0.2))
            run.stack.crash([name], DOWNTIME)
        return time.time()

    return run.under_load(" then ".join(names), disturb)


def kill_pairs(run: Run) -> Iterator[CaseResult]:
    for _ in range(run.pairs):
        yield kill(run, run.random.sample(ALL, 2))


def kill_everything(run: Run) -> Iterator[CaseResult]:
    yield kill(run, ALL, "everything at once")


def station_away(run: Run) -> Iterator[CaseResult]:
    """The kitchen hears nothing for five minutes, and then handles all: without its API, which its
    sidecar goes on calling, and without its sidecar."""
    for name in ("kitchen-api", "kitchen-sidecar"):
        yield away(run, name)


def away(run: Run, name: str) -> CaseResult:
    placed: list[str] = []

    def disturb(attempts: list[Attempt]) -> float:
        run.stack.stop(name)
        time.sleep(run.absence)
        run.stack.start(name)
        back = time.time()
        placed.extend(a.order_id for a in attempts if a.order_id and a.body["kitchenItems"])
        return back

    result = run.under_load(f"{name} away for {run.absence:.0f} s", disturb, BACK)
    topic = run.auditor.stores.events("kitchen_order_placed")
    events = Counter(event.get("orderId") for event in topic if isinstance(event, dict))
    asked = [events[order_id] - 1 for order_id in placed]
    if max(asked) > QUESTIONS:
        result.broken.append(f"W8: an order was asked for {max(asked)} times")
    result.notes.append(f"{sum(asked) / len(asked):.1f} questions an order, at most {max(asked)}")
    return result


def kill_in_sweeps(run: Run) -> Iterator[CaseResult]:
    """counter-api killed again and again, each time when a sweep may be in its middle."""
    yield kill_in_turn(run, ["counter-api"] * 5)


def store_away(run: Run) -> Iterator[CaseResult]:
    """Broker and store away: each post is refused quickly, and the shop goes on by itself. First
    they refuse connections, then they accept them and answer nothing."""
    stack = run.stack
    yield _without_store(run, "away", lambda: stack.stop("valkey"), lambda: stack.start("valkey"))
    yield _without_store(
        run,
        "hang",
        lambda: stack.kill("valkey", signal.SIGSTOP),
        lambda: stack.kill("valkey", signal.SIGCONT),
    )


def _without_store(
    run: Run, how: str, begin_outage: Callable[[], None], end_outage: Callable[[], None]
) -> CaseResult:
    refused: list[Attempt] = []

    def disturb(attempts: list[Attempt]) -> float:
        time.sleep(run.seconds * 0.2)
        begin_outage()
        begin = time.time()
        time.sleep(run.outage)
        end = time.time()
        end_outage()
        mended = time.time()
        time.sleep(5)
        refused.extend(a for a in attempts if begin + 0.5 < a.begun < end - 3)
        return mended

    result = run.under_load(f"broker and store {how} for {run.outage:.0f} s", disturb)
    wrong = [a for a in refused if a.status != 503 or a.seconds > 3]
    if wrong or not refused:
        told = sorted({(a.status or 0, round(a.seconds, 1)) for a in wrong})[:5]
        result.broken.append(f"G13: {len(wrong)} of {len(refused)} posts were answered {told}")
    slowest = max((a.seconds for a in refused), default=0)
    result.notes.append(f"{len(refused)} refused with 503 within {slowest:.1f} s")
    return result


def overload(run: Run) -> Iterator[CaseResult]:
    """Many connections posting as fast as they can."""
    with _peaks(run.stack) as peaks:
        name = f"flood-{run.seed}-{time.time_ns()}"
        attempts, wrong = asyncio.run(flood(run.url("counter"), run.connections, run.seconds, name))
    monitor = run.auditor.monitor(attempts)
    title = f"{run.connections} connections, no pause"
    result = run.auditor.audit(title, attempts, monitor, time.time())
    if wrong:
        result.broken.append(f"G14: {sorted(wrong)[:3]}")
    seconds = sorted(a.seconds for a in attempts)
    late = seconds[int(len(seconds) * 0.99)]
    if late > OVERLOAD_P99:
        result.broken.append(f"G13: p99 is {late:.1f} s")
    counts = {status: sum(a.status == status for a in attempts) for status in (201, 429, 503)}
    result.notes.append(f"answers {counts}, p99 {late:.1f} s")
    result.notes.append(
        "peak MB: " + ", ".join(f"{name} {size >> 20}" for name, size in peaks.items())
    )
    yield result


@contextmanager
def _peaks(stack: Stack) -> Iterator[dict[str, int]]:
    """The largest resident size of each process, in bytes, looked at every half second."""
    peaks = dict.fromkeys((*APIS, "counter-sidecar", "valkey"), 0)
    done = threading.Event()
    processes = {name: psutil.Process(stack.pid(name)) for name in peaks}

    def look() -> None:
        while not done.wait(0.5):
            for name, process in processes.items():
                peaks[name] = max(peaks[name], process.memory_info().rss)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        done.set()
        thread.join()
