"""An event that its sidecar dies of is found and taken out, over the real broker."""

import json
from typing import Any

import httpx
import pytest

from scripts.base.console import Failure
from scripts.operate.dead_letters import Pending, PendingEntries, describe_pending
from tests.faults.deliveries import BODY
from tests.faults.run import Run
from tests.support.waiting import until

TOPIC = "kitchen_order_placed"
SIDECAR = "kitchen-sidecar"


@pytest.fixture
def entries(run: Run) -> PendingEntries:
    return PendingEntries(run.auditor.stores.database(0))


def poisoned(entries: PendingEntries) -> list[Pending]:
    return [entry for entry in entries if entry.poison()]


def pid(run: Run) -> int:
    return run.stack.pid(SIDECAR) or 0


@pytest.mark.parametrize(
    "bad", [{"traceid": 7}, {"traceparent": ["x"]}, {"traceparent": {}, "traceid": "t"}]
)
def test_an_event_that_kills_its_sidecar_is_named_and_dropped(
    run: Run, entries: PendingEntries, bad: dict[str, Any]
) -> None:
    before = pid(run)
    event = {"specversion": "1.0", "id": "x", "source": "x", "type": "x", "data": {}, **bad}
    run.auditor.stores.database(0).xadd(TOPIC, {"data": json.dumps(event)})
    until(lambda: pid(run) not in (0, before), 30, "its sidecar did not die")
    (entry,) = until(lambda: poisoned(entries), 30, "nobody holds it")
    assert (entry.topic, entry.group) == (TOPIC, "kitchen-api")
    assert "its sidecar dies of it" in describe_pending(entry)
    assert entries.find([entry.id]) == [entry] or entry.deliveries
    entries.drop(entry)
    assert not poisoned(entries)
    assert not run.auditor.stores.database(0).xrange(TOPIC, entry.id, entry.id)
    run.stack.wait_until_ready()
    order = f"{run.url('counter')}/v1/api/orders"
    placed = until(lambda: _placed(order), 30, "no order is placed")
    done = httpx.get(f"{order}/{placed['id']}?wait=30", timeout=40).json()
    assert done["status"] == "FULFILLED"


def _placed(url: str) -> Any:
    answer = httpx.post(url, json=BODY, timeout=10)
    return answer.json() if answer.status_code == 201 else None


def test_what_is_not_held_is_told(entries: PendingEntries) -> None:
    with pytest.raises(Failure, match="nobody holds 1-1"):
        entries.find(["1-1"])
