"""Stations that never answer are given up: in two steps, and not behind their backs.

W1 to W19 are the rules of docs/workflow.md.
"""

import pytest

from coffeeshop.contracts import ItemStatus, OrderStatus, Station
from coffeeshop.transport import Call
from counter.checks import GRACE_PERIOD, REMINDER_TIMEOUT
from counter.documents import Order
from example_counter import Counter
from example_orders import DEADLINE

B, K = Station.BARISTA, Station.KITCHEN
QUESTION = "kitchen_order_placed"
CANCEL = "kitchen_order_cancelled"


def silent(counter: Counter) -> Order:
    """An order past its grace, of which the kitchen says nothing and the barista all."""
    order = counter.order()
    counter.report(order, B)
    counter.sweep()
    counter.later((DEADLINE + GRACE_PERIOD).total_seconds())
    return order


def test_a_station_is_given_up_in_two_steps_and_told_before_the_order_ends() -> None:
    """W10, W11."""
    counter = Counter()
    order = silent(counter)
    counter.sidecar.published.clear()
    counter.sweep()
    assert [each.topic for each in counter.sidecar.published] == [QUESTION]
    assert counter.stored_report(order, K) is None
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    assert counter.stored_report(order, K)["gave_up"]
    assert counter.sidecar.events(CANCEL) == []
    assert not counter.is_settled(order)
    counter.sweep()
    assert len(counter.sidecar.events(CANCEL)) == 1
    assert counter.is_settled(order)
    assert counter.open_entries() == []
    seen = counter.seen(order.id)
    assert seen is not None
    assert seen.status is OrderStatus.PARTIAL
    outcome = seen.outcomes[order.items[1].id]
    assert (outcome.status, outcome.reason) == (
        ItemStatus.FAILED,
        "The kitchen did not answer in time.",
    )


def test_a_last_question_that_is_not_confirmed_is_asked_again() -> None:
    """W10: the time for an answer begins with a question that was."""
    counter = Counter()
    order = silent(counter)
    counter.lose("/publish/")
    counter.sweep()
    counter.lose()
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    assert counter.stored_report(order, K) is None
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    assert counter.stored_report(order, K)["gave_up"]


def test_an_answer_to_the_last_question_ends_the_order_as_it_says() -> None:
    """W10."""
    counter = Counter()
    order = silent(counter)
    counter.sweep()
    counter.report(order, K)
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    seen = counter.seen(order.id)
    assert seen is not None
    assert seen.status is OrderStatus.FULFILLED
    assert counter.is_settled(order)


def test_an_answer_that_overtakes_giving_up_stays() -> None:
    """W7, W10: GIVEN-UP is created where there is no report, or not at all."""
    counter = Counter()
    order = silent(counter)
    counter.sweep()

    def overtake(call: Call) -> None:
        if b'"gave_up":true' in call.body:
            counter.lose()
            counter.sidecar.put(f"report-{order.id}-kitchen", report)

    other = Counter()
    other.report(order, K)
    report = other.stored_report(order, K)
    counter.sidecar.before = overtake
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    assert counter.stored_report(order, K) == report
    counter.sweep()
    assert counter.is_settled(order)
    assert counter.sidecar.events(CANCEL) == []


def test_an_order_is_not_settled_before_the_station_that_was_given_up_is_told() -> None:
    """W11."""
    counter = Counter()
    order = silent(counter)
    counter.sweep()
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    counter.lose("/publish/")
    counter.sweep()
    assert not counter.is_settled(order)
    assert counter.open_entries() == [order.id]
    counter.lose()
    counter.sweep()
    assert counter.is_settled(order)
    assert len(counter.sidecar.events(CANCEL)) == 1


@pytest.mark.parametrize("final", [True, False])
def test_a_station_that_was_given_up_and_still_works_is_told_to_stop(final: bool) -> None:
    """W11: a late report that is not final is answered with `cancel`; a final one is too late."""
    counter = Counter()
    order = silent(counter)
    counter.sweep()
    counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    counter.sweep()
    counter.sidecar.published.clear()
    counter.report(order, K, final=final)
    assert counter.stored_report(order, K)["gave_up"]
    assert "report.late" in counter.logged
    assert len(counter.sidecar.events(CANCEL)) == (0 if final else 1)


def test_a_station_that_has_begun_is_asked_and_never_given_up() -> None:
    """W10."""
    counter = Counter()
    order = silent(counter)
    counter.report(order, K, final=False)
    for _ in range(10):
        counter.sweep(after=REMINDER_TIMEOUT.total_seconds())
    assert counter.stored_report(order, K)["final"] is False
    counter.report(order, K, sequence=2)
    counter.sweep(after=60)
    assert counter.is_settled(order)
