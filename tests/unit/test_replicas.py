"""Each replica has a sweep: one at a time does the work, and the next goes on where it ended.

W1 to W19 are the rules of docs/workflow.md.
"""

import pytest

from coffeeshop.transport import Call, ServiceUnavailable
from counter.sweep_state import LEASE_MS
from example_counter import Counter

QUESTION = "kitchen_order_placed"


def test_a_second_replica_leaves_the_work_to_the_first() -> None:
    """W12: each has its own sweep, and they come at nearly the same moment."""
    first = Counter()
    first.report(first.order())
    second = first.replica()
    first.later(5)
    order = first.order()
    first.sweep(after=5)
    first.report(order)
    first.sidecar.calls.clear()
    second.sweep(after=10 + LEASE_MS / 1000 - 0.1)
    assert first.kinds() == ["read"]
    assert not first.is_settled(order)
    second.sweep(after=0.1)
    assert first.is_settled(order)


def test_of_two_replicas_that_claim_the_work_at_once_one_has_it() -> None:
    """W12: by the ETag of what is remembered."""
    first = Counter()
    first.report(first.order())
    first.sweep()
    order = first.order()
    second = first.replica()

    def overtake(call: Call) -> None:
        if b'"key":"watch"' in call.body:
            first.lose()
            second.sweep()

    first.sidecar.before = overtake
    first.sweep()
    questions = first.sidecar.events(QUESTION)
    assert [each["orderId"] for each in questions].count(order.id) == 2  # placed, and one question


def test_a_claim_of_a_clock_that_is_ahead_counts_for_nothing() -> None:
    """Else one wrong clock would stop all sweeps until its time came."""
    counter = Counter()
    counter.report(counter.order())
    counter.replica().sweep(after=3600)
    order = counter.order()
    counter.report(order)
    counter.sweep()
    assert counter.is_settled(order)


def test_a_sweep_that_was_overtaken_remembers_nothing() -> None:
    """W12: what the one says that has the work now is as right, and newer."""
    first = Counter()
    order = first.order()
    second = first.replica()

    def overtake(call: Call) -> None:
        if "/publish/" in call.target:
            first.lose()
            second.sweep(after=10 + LEASE_MS / 1000)

    first.sidecar.before = overtake
    first.sweep()
    watch = first.sidecar.document("watch")
    assert watch["claimed_at"] == round(second.now.timestamp() * 1000)
    assert first.open_entries() == [order.id]


def test_another_replica_goes_on_where_the_last_sweep_ended() -> None:
    """W12: it is remembered in the store, by positions in the index."""
    counter = Counter()
    ended, open_ = counter.order(), counter.order()
    counter.report(ended)
    counter.sweep()
    counter.sidecar.calls.clear()
    other = counter.replica()
    other.report(open_)
    other.sweep()
    assert other.is_settled(open_)
    assert not any(ended.id in call.body.decode() for call in counter.sidecar.calls)


def test_a_sweep_that_dies_is_repeated_by_the_next() -> None:
    """W12: nothing is remembered before it is done."""
    counter = Counter()
    counter.report(counter.order())
    counter.sweep()
    order = counter.order()
    counter.report(order)
    counter.lose('"key":"watch"', answer=True)
    with pytest.raises(ServiceUnavailable):
        counter.sweep()
    counter.lose()
    counter.sweep()
    assert counter.is_settled(order)
    assert counter.open_entries() == []


def test_without_its_index_a_sweep_fails_and_the_next_one_looks() -> None:
    counter = Counter()
    order = counter.order()
    counter.report(order)
    counter.lose("/bulk")
    with pytest.raises(ServiceUnavailable):
        counter.sweep()
    counter.lose()
    counter.sweep()
    assert counter.is_settled(order)


def test_a_sweep_that_takes_long_remembers_what_it_did_and_leaves_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """W8, W12: or each sweep of an overloaded shop would be overtaken by the next, and none would
    ever be remembered: the same stations would be asked every 10 s."""
    monkeypatch.setattr("counter.sweep_state.BATCH_SIZE", 5)
    counter = Counter()
    orders = [counter.order(barista=()) for _ in range(20)]
    counter.sidecar.published.clear()

    def slow(call: Call) -> None:
        if "/publish/" in call.target:
            counter.later(3)

    counter.sidecar.before = slow
    counter.sweep()
    assert len(counter.sidecar.events(QUESTION)) == 10
    counter.replica().sweep(after=20)
    asked = [each["orderId"] for each in counter.sidecar.events(QUESTION)]
    assert len(counter.open_entries()) == 20
    assert set(asked[10:20]) == {order.id for order in orders} - set(asked[:10])
