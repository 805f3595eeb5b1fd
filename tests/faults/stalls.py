"""The APIs stand still for longer than a health check bears, and go on: no message may be lost.

Where a sidecar ends its subscriptions and begins them again, pubsub.redis leaves a blocked reader
behind for each topic, and each swallows later messages (docs/facts/blocked-readers.md).
"""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from scripts.stack import resources
from tests.faults.audit import CaseResult
from tests.faults.orders import time_one
from tests.faults.run import Run

STALLED = ("counter-api", "barista-api", "kitchen-api")
STALL = 13.0
"""Seconds. Dapr's health check, with a probe a second, calls an app unhealthy after its tenth."""
SLOWEST = 3.0
"""Seconds that an order may take once the APIs go on."""
ORDERS = 4


def stalls(run: Run, times: int = 10) -> Iterator[CaseResult]:
    """All three stopped and continued, and orders after each; the readers in Valkey counted."""
    result = CaseResult(f"{times} stalls of {STALL:.0f} s")
    expected = sum(1 for _ in resources.subscriptions())
    before = readers(run)
    slowest = 0.0
    for _ in range(times):
        stand_still(run, STALL)
        for _ in range(ORDERS):
            slowest = max(slowest, time_one(run))
            result.acknowledged += 1
            result.fulfilled += 1
    after = readers(run)
    # A sidecar that an earlier case killed may have left one for a while: a stall must add none.
    if after > before or after < expected:
        result.broken.append(f"{expected} readers belong, {before} were and {after} are there")
    if slowest > SLOWEST:
        result.broken.append(f"an order took {slowest:.1f} s")
    result.notes.append(f"{after} readers; the slowest order took {slowest:.2f} s")
    yield result


def stand_still(run: Run, seconds: float) -> None:
    """As a process does whose machine swaps or sleeps: its ports are open, and nobody answers."""
    groups = {run.stack.pid(name) for name in STALLED}
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for group in groups:
            os.killpg(group, signal.SIGCONT)


def readers(run: Run) -> int:
    """The connections that wait for messages, as Valkey counts them."""
    clients: Any = run.auditor.stores.database(0).client_list()
    return sum(client["cmd"] == "xreadgroup" for client in clients)
