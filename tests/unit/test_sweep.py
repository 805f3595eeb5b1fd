"""The sweep: what it settles, asks and buries, and what it looks at again.

W1 to W19 are the rules of docs/workflow.md.
"""

import pytest

from coffeeshop.contracts import Station
from coffeeshop.transport import Call, NoAnswer
from counter.documents import Order, Tombstone
from counter.ids import derived_id
from counter.outcomes import OutcomeUnknown
from example_counter import STATE, Counter

B, K = Station.BARISTA, Station.KITCHEN
ID = derived_id(b"s", "", "k")
"""The id of the key `k`."""
QUESTION = "kitchen_order_placed"
CANCEL = "kitchen_order_cancelled"


def never_saved(counter: Counter) -> str:
    """An order that died between its index entry and its record; its id."""
    counter.lose(f'"key":"{ID}"')
    with pytest.raises(OutcomeUnknown):
        counter.place()
    counter.lose()
    return ID


# The first look


def test_what_has_ended_is_settled_at_the_first_look() -> None:
    """W1, W12: with its reports, asking nobody; then it is done with."""
    counter = Counter()
    order = counter.order()
    counter.report(order)
    before = counter.seen(order.id)
    published = len(counter.sidecar.published)
    counter.sweep()
    assert counter.is_settled(order)
    assert counter.open_entries() == []
    assert len(counter.sidecar.published) == published
    after = counter.seen(order.id)
    assert before is not None
    assert after is not None
    assert (after.status, after.history) == (before.status, before.history)


def test_an_entry_is_not_looked_at_before_it_is_ten_seconds_old() -> None:
    """W16: until then an attempt may still save its order."""
    counter = Counter()
    never_saved(counter)
    counter.sweep(after=9.9)
    assert counter.record(ID) is None
    assert counter.open_entries() == [ID]
    counter.sweep(after=8.1)
    assert isinstance(counter.record(ID), Tombstone)


@pytest.mark.parametrize("found_before", [True, False])
def test_an_order_of_a_clock_that_was_ahead_is_settled_when_that_is_set_back(
    found_before: bool,
) -> None:
    """It is not due for three days, by the time that it was placed at."""
    counter = Counter()
    counter.later(3 * 86_400)
    order = counter.order()
    counter.report(order, B)
    if found_before:
        counter.sweep(after=5)
        counter.sweep(after=10)
    counter.later(-3 * 86_400)
    counter.sweep(after=1)
    counter.sweep(after=10)
    assert counter.sidecar.events(QUESTION)[1:], "its silent station was not asked"
    counter.report(order, K)
    counter.sweep(after=61)
    assert counter.is_settled(order)
    assert counter.open_entries() == []


def test_an_order_of_a_clock_that_was_ahead_is_asked_for_once_a_minute() -> None:
    counter = Counter()
    counter.later(3 * 86_400)
    order = counter.order(barista=())
    counter.later(-3 * 86_400)
    for _ in range(60):
        counter.sweep(after=10)
    assert 10 <= len(counter.sidecar.events(QUESTION)) <= 12
    assert counter.open_entries() == [order.id]


def test_an_order_that_was_saved_and_not_published_is_published() -> None:
    """W4, W8, G11: the index watches it."""
    counter = Counter()
    counter.lose("/publish/")
    order = counter.order()
    counter.lose()
    counter.sweep()
    assert [each["orderId"] for each in counter.sidecar.events(QUESTION)] == [order.id]
    counter.report(order)
    counter.sweep()
    assert counter.is_settled(order)


def test_a_question_repeats_the_event_and_a_cancellation_with_it() -> None:
    """W8: to the stations that have not finished, under the same id as the first time."""
    counter = Counter()
    order = counter.order()
    counter.report(order, B)
    counter.cancel(order.id)
    counter.sidecar.published.clear()
    counter.sweep()
    placed, cancelled = counter.sidecar.published
    assert (placed.topic, cancelled.topic) == (QUESTION, CANCEL)
    assert placed.id == f"{order.id}.kitchen.placed"
    assert cancelled.id == f"{order.id}.kitchen.cancelled"
    assert placed.data == cancelled.data


def test_questions_are_published_in_bulk() -> None:
    """W8: an outage must not become a flood of calls."""
    counter = Counter()
    orders = [counter.order() for _ in range(150)]
    counter.sidecar.calls.clear()
    counter.sidecar.published.clear()
    counter.sweep()
    asked = [each["orderId"] for each in counter.sidecar.events(QUESTION)]
    assert sorted(asked) == sorted(order.id for order in orders)
    publishes = [call.target for call in counter.sidecar.calls if "/publish/" in call.target]
    assert len(publishes) == 4  # two stations, and 100 orders in each look
    assert all("/publish/bulk/" in target for target in publishes)


def test_many_orders_are_settled_with_few_calls() -> None:
    counter = Counter()
    orders = [counter.order() for _ in range(100)]
    for order in orders:
        counter.report(order)
    counter.sidecar.calls.clear()
    counter.sweep()
    assert all(counter.is_settled(order) for order in orders)
    # Heads and what is remembered; full segments; claim; records; reports; settle; remember
    # and what the stations' paces are.
    assert len(counter.sidecar.calls) <= 10


def test_a_sweep_of_a_shop_in_which_all_is_settled_costs_one_call() -> None:
    counter = Counter()
    for _ in range(3):
        counter.report(counter.order())
    counter.sweep()
    counter.sidecar.calls.clear()
    counter.sweep()
    assert counter.kinds() == ["read"]


# What is not confirmed is looked at again (W12)


def test_what_was_never_saved_never_will_be() -> None:
    """W12, G7."""
    counter = Counter()
    never_saved(counter)
    counter.sweep()
    assert isinstance(counter.record(ID), Tombstone)
    assert counter.open_entries() == []
    assert counter.sidecar.published == []


def test_a_tombstone_that_meets_an_order_keeps_the_entry() -> None:
    """W12: a conflict means to look again; the order is asked for then."""
    counter, rival = Counter(), Counter()
    never_saved(counter)
    rival.place()

    def overtake(call: Call) -> None:
        if b'"kind":"tombstone"' in call.body and counter.record(ID) is None:
            counter.sidecar.put(ID, rival.sidecar.document(ID))

    counter.sidecar.before = overtake
    counter.sweep()
    assert isinstance(counter.record(ID), Order)
    assert counter.open_entries() == [ID]
    assert counter.sidecar.published == []
    counter.sweep()
    assert [each["orderId"] for each in counter.sidecar.events(QUESTION)] == [ID]


@pytest.mark.parametrize("answer", [True, False])
def test_a_tombstone_that_is_not_confirmed_is_looked_at_again(answer: bool) -> None:
    """W12: whether it was stored or not."""
    counter = Counter()
    never_saved(counter)
    counter.lose('"kind":"tombstone"', f'"{ID}"]', answer=answer)
    counter.sweep()
    assert counter.open_entries() == [ID]
    counter.lose()
    counter.sweep()
    assert isinstance(counter.record(ID), Tombstone)
    assert counter.open_entries() == []


@pytest.mark.parametrize("answer", [True, False])
def test_a_settling_that_is_not_confirmed_is_looked_at_again(answer: bool) -> None:
    """W12."""
    counter = Counter()
    order = counter.order()
    counter.report(order)
    counter.lose('"settled":[', answer=answer)
    counter.sweep()
    assert counter.is_settled(order) is answer
    assert counter.open_entries() == [order.id]
    counter.lose()
    counter.sweep()
    assert counter.is_settled(order)
    assert counter.open_entries() == []


def test_a_settling_that_meets_another_one_leaves_the_others_settled() -> None:
    """W12: one conflict is the answer to the whole save."""
    counter = Counter()
    orders = [counter.order() for _ in range(3)]
    for order in orders:
        counter.report(order)

    def overtake(call: Call) -> None:
        if b'"settled":[' in call.body:
            counter.sidecar.put(orders[0].id, counter.sidecar.document(orders[0].id))
            counter.lose()

    counter.sidecar.before = overtake
    counter.sweep()
    assert [counter.is_settled(order) for order in orders] == [False, True, True]
    counter.sweep()
    assert counter.is_settled(orders[0])
    assert counter.open_entries() == []


def test_a_part_that_cannot_be_read_is_left_and_the_rest_is_looked_at() -> None:
    """W12: one bad answer costs one look, not the sweep."""
    counter = Counter()
    orders = [counter.order() for _ in range(150)]
    for order in orders:
        counter.report(order)
    left = 1

    def lose_one(call: Call) -> None:
        nonlocal left
        if call.target == f"{STATE}/bulk" and b'"report-' in call.body and left:
            left -= 1
            counter.lose()
            raise NoAnswer("lost")

    counter.sidecar.before = lose_one
    counter.sweep()
    assert sum(counter.is_settled(order) for order in orders) == 50
    assert len(counter.open_entries()) == 100
    counter.sweep()
    assert all(counter.is_settled(order) for order in orders)
