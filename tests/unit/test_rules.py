"""Rules of docs/workflow.md that rest on settings and on what is never done."""

from datetime import timedelta
from typing import Any

import pytest
import yaml

from coffeeshop.contracts import Station
from coffeeshop.transport import TIMEOUT
from counter.checks import FIRST_CHECKS, GRACE_PERIOD
from counter.ids import derived_id
from counter.outcomes import Abandoned, UnknownOrder
from counter.workflow import PLACE_BUDGET
from example_counter import Counter
from scripts.stack import resources

SKEW = timedelta(seconds=3)
"""By how much the clocks of two replicas may differ (coffeeshop/index.py)."""
FIRST_PAUSE, GROWTH = 0.5, 1.5
"""Seconds and factor of an exponential policy in Dapr 1.18.2, which has no setting for either."""


def policies() -> Any:
    return yaml.safe_load((resources.DAPR / "resiliency.yaml").read_text())["spec"]["policies"]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def delivery() -> timedelta:
    """The longest that a delivery takes: every retry fails, and the last attempt takes its time."""
    retries, limit = policies()["retries"]["delivery"], policies()["timeouts"]["delivery"]
    most = seconds(retries["maxInterval"])
    pauses = (min(most, FIRST_PAUSE * GROWTH**n) for n in range(retries["maxRetries"]))
    return timedelta(seconds=sum(pauses) + seconds(limit))


def test_the_grace_exceeds_two_deliveries_and_the_difference_of_clocks() -> None:
    """W9: the order's delivery to the station, and the report's to the counter."""
    assert 2 * delivery() + SKEW < GRACE_PERIOD


def test_the_deadline_is_fixed_when_an_order_is_placed() -> None:
    """W9: a question that comes later has the deadline that the first event had."""
    counter = Counter()
    order = counter.order(barista=())
    counter.sweep()
    counter.sweep(after=60)
    events = counter.sidecar.events("kitchen_order_placed")
    assert len(events) == 3
    assert {event["expiresAt"] for event in events} == {order.expires_at.isoformat()[:-6] + "Z"}


def test_an_attempt_to_place_ends_before_its_entry_is_looked_at() -> None:
    """W16: or a living attempt would be answered 409."""
    assert PLACE_BUDGET + timedelta(seconds=TIMEOUT) + SKEW < FIRST_CHECKS[0]


def test_tombstones_and_settled_orders_outlive_late_calls_and_repeated_keys() -> None:
    """W14: nothing is ever deleted, and what is final stays as it is."""
    counter = Counter()
    with pytest.raises(UnknownOrder):
        counter.cancel(derived_id(b"s", "", "never saved"))
    ended = counter.place(key="ended").order.order
    counter.report(ended)
    counter.sweep()
    assert counter.is_settled(ended)
    before = dict(counter.sidecar.documents)
    counter.report(ended, Station.KITCHEN, sequence=9)
    counter.place(key="ended")
    with pytest.raises(Abandoned):
        counter.place(key="never saved")
    counter.sweep(after=600)
    after = counter.sidecar.documents
    assert before.keys() <= after.keys()
    final = {key for key, (document, _) in before.items() if "kind" in document}
    final |= {key for key in before if key.startswith("report-")}
    assert len(final) == 4  # a tombstone, an order and its two reports
    assert all(after[key] == before[key] for key in final)
    assert not any(call.method == "DELETE" for call in counter.sidecar.calls)


def test_the_index_is_in_the_store_of_the_orders() -> None:
    """W15: so that it is as durable as they are."""
    counter = Counter()
    counter.order()
    saved = [c for c in counter.sidecar.calls if c.method == "POST" and b'"first-write"' in c.body]
    assert any(b'"key":"all-' in call.body for call in saved)
    assert any(b'"kind":"order"' in call.body for call in saved)
    assert {call.target for call in saved} == {"/v1.0/state/counter-store"}


def test_a_dead_report_is_handled_as_any_other_and_a_dead_order_by_nobody() -> None:
    """W17, G12."""
    routes = {(each.app, each.topic): each.route for each in resources.subscriptions()}
    dead = {key: route for key, route in routes.items() if key[1].endswith("_dead")}
    assert dead
    for (app, topic), route in dead.items():
        assert topic.endswith("_order_updated_dead")
        assert routes[app, topic.removesuffix("_dead")] == route
