"""Clocks that differ, by libfaketime: orders are made and end all the same, and the logs say it.

What waited too long in the broker is not made, whatever its station's clock says; and an order that
was placed while a clock was ahead is listed, also when that has been set back.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from scripts.operate.logs import parse
from tests.faults.audit import CaseResult
from tests.faults.orders import time_one
from tests.faults.run import Run

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's `faketime`."""
MISSING = "clocks are shifted by libfaketime: apt-get install faketime"
MINUTES, DAYS = 600, 3 * 86_400
"""Seconds that a clock is ahead."""
SLOWEST = 5.0
"""Seconds that an order may take."""
DEADLINE = 8
"""Seconds for which an order is wanted here."""
ORDERS = 3
CROISSANT = {"loyaltyMemberId": "ann", "kitchenItems": [{"itemType": 7}]}

Json = dict[str, Any]


def clocks(run: Run) -> Iterator[CaseResult]:
    """The counter's clock and a station's, behind and ahead."""
    yield _differing(run, "counter-api", -MINUTES)
    yield _differing(run, "counter-api", DAYS)
    yield _differing(run, "kitchen-api", -MINUTES)
    yield _differing(run, "kitchen-api", MINUTES)


def _differing(run: Run, api: str, ahead: int) -> CaseResult:
    result = CaseResult(f"the clock of {api} {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}")
    slowest = 0.0
    with _shifted(run, {"counter-api": 0, api: ahead}):
        for _ in range(ORDERS):
            slowest = max(slowest, time_one(run))
        late = _late_order(run)
        reason = late["items"][0]["reason"] or ""
        if late["status"] != "FAILED" or "too late" not in reason:
            result.broken.append(f"what waited {2 * DEADLINE} s is {late['status']}: {reason}")
        own = {whose for line_api, whose in _said(run, -ahead) if line_api == api}
        others = {line_api for line_api, whose in _said(run, ahead) if whose == api}
    # A station that is behind is seen by itself alone: what it reports may have waited.
    if "sidecar" not in own or not (others or "counter-api" in own):
        result.broken.append(f"the logs say only: {own} by itself, and of it {others}")
    if slowest > SLOWEST:
        result.broken.append(f"an order took {slowest:.1f} s")
    is_new = api != "counter-api" or ahead > 0  # else it is among the orders of ten minutes ago
    if is_new and late["id"] not in _listed(run):
        result.broken.append(f"{late['id']} is in no list")
    result.acknowledged, result.fulfilled, result.failed = ORDERS + 1, ORDERS, 1
    result.notes.append(f"the slowest order took {slowest:.2f} s")
    return result


def _late_order(run: Run) -> Json:
    """An order that waits in the broker, while its station is away, until it is too late."""
    orders = f"{run.url('counter')}/v1/api/orders"
    run.stack.stop("kitchen-api")
    try:
        placed = httpx.post(orders, json=CROISSANT, timeout=10).raise_for_status().json()
        time.sleep(2 * DEADLINE)
    finally:
        run.stack.start("kitchen-api")
        run.stack.wait_until_ready()
    order: Json = placed
    deadline = time.monotonic() + 60
    while order["status"] in ("PLACED", "IN_PROGRESS") and time.monotonic() < deadline:
        order = httpx.get(f"{orders}/{placed['id']}", params={"wait": 10}, timeout=20).json()
    return order


def _listed(run: Run) -> set[str]:
    """The newest orders of the shop, by the clock as it is now, that their customer's list has
    too."""
    url = run.url("counter")
    found = []
    for path in ("fulfillment-orders", "orders"):
        query = {"limit": "100", **({"loyaltyMemberId": "ann"} if path == "orders" else {})}
        page = httpx.get(f"{url}/v1/api/{path}", params=query, timeout=20).raise_for_status().json()
        found.append({order["id"] for order in page["orders"]})
    return found[0] & found[1]


@contextmanager
def _shifted(run: Run, ahead: dict[str, int]) -> Iterator[None]:
    """APIs that are started again with clocks that are so many seconds ahead, and for which an
    order is wanted for a short while; afterwards as they were."""
    path = run.stack.layout.run / "processes.json"
    before = path.read_text()
    processes = json.loads(before)
    for api, seconds in ahead.items():
        process = processes[api]
        *first, component = process["command"]
        process["command"] = [*first, "--env", "COFFEESHOP_ORDER_DEADLINE_SECONDS", component]
        process["env"] |= {"COFFEESHOP_ORDER_DEADLINE_SECONDS": str(DEADLINE)}
        if seconds:
            process["env"] |= {
                "LD_PRELOAD": str(LIBRARY),
                "FAKETIME": f"{seconds:+d}s",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
    try:
        path.write_text(json.dumps(processes))
        _again(run, ahead)
        yield
    finally:
        path.write_text(before)
        _again(run, ahead)


def _again(run: Run, apis: dict[str, int]) -> None:
    for api in apis:
        run.stack.stop(api)
        run.stack.start(api)
    run.stack.wait_until_ready()


def _said(run: Run, ahead: int) -> set[tuple[str, str]]:
    """Which API has said of whose clock that it is so far ahead of its own."""
    lines = [
        line
        for log in run.stack.logs()
        for text in log.read_text(errors="replace").splitlines()
        if '"clock.differs"' in text and (line := parse(text)) is not None
    ]
    return {
        (line["api"], line["whose"]) for line in lines if abs(line["aheadSeconds"] - ahead) <= 3
    }
