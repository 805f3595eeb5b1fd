"""Placing orders: what is stored and published when, and what is answered.

W1 to W19 are the rules of docs/workflow.md.
"""

from datetime import timedelta

import pytest

from coffeeshop.contracts import OrderStatus
from coffeeshop.transport import TIMEOUT, Call, ServiceUnavailable
from counter.ids import derived_id
from counter.outcomes import Abandoned, KeyReused, OutcomeUnknown, UnknownOrder
from counter.workflow import LOAD_SHED_AFTER, PLACE_BUDGET
from example_counter import STATE, Counter
from example_orders import NOW, command

ID = derived_id(b"s", "", "k")
"""The id of the key `k`."""


def test_an_order_is_indexed_then_saved_then_published() -> None:
    """W2, W4: each waits for the one before."""
    counter = Counter()
    placed_ = counter.place()
    assert not placed_.is_repeat
    assert placed_.order.status is OrderStatus.PLACED
    kinds = counter.kinds()
    assert set(kinds[:2]) == {"menu", "read"}
    assert kinds[2:4] == ["save all", "save order"]
    assert set(kinds[4:]) == {"publish barista_order_placed", "publish kitchen_order_placed"}
    (event,) = counter.sidecar.events("kitchen_order_placed")
    assert (event["orderId"], [item["itemType"] for item in event["items"]]) == (ID, [7])


def test_an_order_whose_index_entry_is_not_confirmed_is_not_saved() -> None:
    """W2, G8: the index is what watches an order, and what is not saved is not published."""
    counter = Counter()

    counter.lose('"key":"all-')
    with pytest.raises(ServiceUnavailable):
        counter.place()
    assert counter.kinds().count("save all") > 1  # it had tried other shards
    assert counter.record(ID) is None
    assert counter.sidecar.published == []


def test_an_order_that_took_longer_than_its_budget_is_not_saved() -> None:
    """W2, W16: its entry is there, and the sweep may be about to bury it."""
    counter = Counter()

    def slow(call: Call) -> None:
        if b'"all-' in call.body and call.target == STATE:
            counter.later((PLACE_BUDGET + timedelta(milliseconds=1)).total_seconds())

    counter.sidecar.after = slow
    with pytest.raises(ServiceUnavailable):
        counter.place()
    assert counter.record(ID) is None
    assert counter.sidecar.published == []


def test_a_shop_whose_first_answers_take_long_takes_no_order_and_stores_nothing() -> None:
    """G13."""
    counter = Counter()

    def slow(call: Call) -> None:
        if "/invoke/" in call.target:
            counter.now = NOW + LOAD_SHED_AFTER + timedelta(milliseconds=1)

    counter.sidecar.before = slow
    with pytest.raises(ServiceUnavailable):
        counter.place()
    assert counter.sidecar.documents == {}


def test_the_first_calls_of_an_order_wait_no_longer_than_load_shedding_allows() -> None:
    """G13: a store that hangs holds no place of the runtime for longer."""
    counter = Counter()
    seen: list[Call] = []
    counter.sidecar.before = seen.append
    counter.place()
    first, later = seen[:2], seen[2:]
    assert {call.timeout for call in first} == {LOAD_SHED_AFTER.total_seconds()}
    assert {call.timeout for call in later} == {TIMEOUT}


def test_an_order_whose_saving_was_not_confirmed_is_placed_if_it_is_there() -> None:
    """W3: any answer but success is resolved by reading."""
    counter = Counter()
    counter.lose(f'"key":"{ID}"', answer=True)
    assert not counter.place().is_repeat
    assert len(counter.sidecar.published) == 2


@pytest.mark.parametrize("is_saved", [True, False])
def test_an_order_of_which_nothing_can_be_read_may_exist(is_saved: bool) -> None:
    """W3, G1: whether it was saved or not, it is no 201; nothing is published before somebody has
    read it (W4, G8)."""
    counter = Counter()
    counter.lose(f'"key":"{ID}"', f"GET {STATE}/{ID}", answer=is_saved)
    with pytest.raises(OutcomeUnknown) as unknown:
        counter.place()
    assert unknown.value.order_id == ID
    assert (counter.record(ID) is not None) is is_saved
    assert counter.sidecar.published == []


def test_an_order_that_cannot_be_published_is_placed() -> None:
    """W4, G1: the sweep publishes it."""
    counter = Counter()
    counter.lose("/publish/")
    assert counter.place().order.status is OrderStatus.PLACED
    assert counter.logged == ["order.placed", "order.not_published"]


@pytest.mark.parametrize("clock", [None, NOW + timedelta(seconds=5)])
def test_a_repeated_key_is_the_first_order_whatever_the_clock_of_the_pos(clock: object) -> None:
    """W3: the POS's own clock is no part of what it ordered."""
    counter = Counter()
    body = command([1], [7])
    first = counter.place(body.model_copy(update={"timestamp": NOW}))
    again = counter.place(body.model_copy(update={"timestamp": clock}))
    assert again.is_repeat
    assert again.order == first.order
    assert len(counter.sidecar.published) == 2


def test_a_repeated_key_answers_the_order_as_it_is_now() -> None:
    """W3, G6."""
    counter = Counter()
    first = counter.place().order.order
    counter.report(first)
    again = counter.place()
    assert (again.is_repeat, again.order.status) == (True, OrderStatus.FULFILLED)


def test_a_key_cannot_be_used_for_another_order() -> None:
    """W3, G6."""
    counter = Counter()
    counter.place()
    with pytest.raises(KeyReused):
        counter.place(command([5], [7]))


def test_the_key_of_what_was_never_saved_is_used_up() -> None:
    """W3, G7: abandoned is final."""
    counter = Counter()
    with pytest.raises(UnknownOrder):
        counter.cancel(ID)
    with pytest.raises(Abandoned):
        counter.place()
    assert counter.sidecar.published == []


@pytest.mark.parametrize("is_buried", [True, False])
def test_an_order_that_meets_another_record_when_it_is_saved_is_not_placed_twice(
    is_buried: bool,
) -> None:
    """W3: an attempt with the same key at the same moment, or the sweep, was faster."""
    counter = Counter()
    rival = Counter(now=NOW - timedelta(seconds=1))
    theirs = rival.place().order.order

    def overtake(call: Call) -> None:
        if f'"key":"{ID}"'.encode() in call.body and counter.record(ID) is None:
            tombstone = {"id": ID, "abandoned_at": NOW.isoformat(), "kind": "tombstone"}
            record = tombstone if is_buried else rival.sidecar.document(ID)
            counter.sidecar.put(ID, record)

    counter.sidecar.before = overtake
    if is_buried:
        with pytest.raises(Abandoned):
            counter.place()
    else:
        found = counter.place()
        assert (found.is_repeat, found.order.order) == (True, theirs)
    assert counter.sidecar.published == []


def test_another_pos_has_other_keys() -> None:
    """W3: a key is scoped to its POS."""
    counter = Counter()
    first = counter.place()
    other = Counter(counter.sidecar, pos_token="till").place(command([5], []))
    assert not other.is_repeat
    assert other.order.order.id != first.order.order.id
