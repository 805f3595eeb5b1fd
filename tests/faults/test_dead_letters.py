"""Dead letters have an owner: listed, replayed, discarded, over the real broker."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from scripts.base.console import Failure
from scripts.operate.dead_letters import DeadLetter, DeadLetters, describe
from tests.faults.deliveries import BODY
from tests.faults.run import Run
from tests.support.waiting import until

TOPIC = "kitchen_order_placed"


@pytest.fixture
def letters(run: Run) -> DeadLetters:
    broker = run.auditor.stores.database(0)
    broker.delete(f"{TOPIC}_dead")
    return DeadLetters(broker)


def finished_order(run: Run) -> dict[str, Any]:
    url = f"{run.url('counter')}/v1/api/orders"
    placed = httpx.post(url, json=BODY).raise_for_status().json()
    order: dict[str, Any] = httpx.get(f"{url}/{placed['id']}?wait=30", timeout=40).json()
    assert order["status"] == "FULFILLED"
    return order


def died(run: Run, order_id: str, **changes: Any) -> None:
    """The order's real event among the dead letters, as a sidecar puts it there."""
    broker = run.auditor.stores.database(0)
    entries: Any = broker.xrange(TOPIC)
    (fields,) = (fields for _, fields in entries if order_id in fields["data"])
    event = json.loads(fields["data"])
    event["data"] |= changes
    broker.xadd(f"{TOPIC}_dead", {**fields, "data": json.dumps(event)})


def only(letters: DeadLetters) -> DeadLetter:
    (letter,) = (each for each in letters if each.topic == TOPIC)
    return letter


def test_an_event_that_is_none_is_listed_and_discarded(run: Run, letters: DeadLetters) -> None:
    url = f"http://127.0.0.1:{run.stack.ports.sidecar('counter')}/v1.0/publish/pubsub/{TOPIC}"
    headers = {"dapr-api-token": run.stack.secrets["sidecar_token"]}
    httpx.post(url, json={"nonsense": True}, headers=headers).raise_for_status()
    found = until(
        lambda: [each for each in letters if each.topic == TOPIC], 10, "not dead-lettered"
    )
    assert "no event of ours" in describe(found[0], run.url("counter"), datetime.now(UTC))
    letters.discard(found[0])
    assert not [each for each in letters if each.topic == TOPIC]


def test_a_replayed_event_changes_nothing_that_was_decided(run: Run, letters: DeadLetters) -> None:
    """W17, G12."""
    order = finished_order(run)
    made = httpx.get(f"{run.url('kitchen')}/v1/api/kitchen/orders/{order['id']}").json()
    died(run, order["id"])
    letter = only(letters)
    assert f"{order['id']} is FULFILLED" in describe(letter, run.url("counter"), datetime.now(UTC))
    answers = len(run.auditor.stores.events("kitchen_order_updated"))
    letters.replay(letter, datetime.now(UTC))
    stores = run.auditor.stores
    until(lambda: len(stores.events("kitchen_order_updated")) > answers, 10, "not delivered again")
    assert not [each for each in letters if each.topic == TOPIC]
    assert httpx.get(f"{run.url('kitchen')}/v1/api/kitchen/orders/{order['id']}").json() == made
    assert httpx.get(f"{run.url('counter')}/v1/api/orders/{order['id']}").json() == order


def test_what_has_expired_is_not_replayed(run: Run, letters: DeadLetters) -> None:
    order = finished_order(run)
    died(run, order["id"], expiresAt=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
    with pytest.raises(Failure, match="has expired"):
        letters.replay(only(letters), datetime.now(UTC))
    assert only(letters).order_id == order["id"]


def test_an_unknown_id_is_named(letters: DeadLetters) -> None:
    with pytest.raises(Failure, match="no dead letter 1-1"):
        letters.find(["1-1"])
