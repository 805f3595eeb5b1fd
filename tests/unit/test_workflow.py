"""Stations' reports and cancellations: what is stored when, and what is answered.

W1 to W19 are the rules of docs/workflow.md.
"""

import pytest

from coffeeshop.contracts import ItemStatus, OrderStatus, Station
from coffeeshop.transport import Call, ServiceUnavailable
from counter.documents import Order, Tombstone
from counter.ids import derived_id
from counter.outcomes import OrderEnded, UnknownOrder
from example_counter import STATE, Counter
from example_orders import answer, placed

B, K = Station.BARISTA, Station.KITCHEN
ID = derived_id(b"s", "", "k")
"""The id of the key `k`."""


# Reports


def test_a_report_costs_one_save_and_no_read() -> None:
    """W4: who published `placed` has read the order."""
    counter = Counter()
    order = counter.order()
    counter.sidecar.calls.clear()
    counter.report(order, K)
    assert counter.kinds() == ["save report"]
    seen = counter.seen(order.id)
    assert seen is not None
    assert seen.status is OrderStatus.IN_PROGRESS


def test_the_reports_of_a_delivery_are_saved_together() -> None:
    counter = Counter()
    orders = [counter.order() for _ in range(20)]
    counter.sidecar.calls.clear()
    events = [answer(order, station) for order in orders for station in (B, K)]
    counter.deliver(events)
    assert counter.kinds() == ["save report"]
    seen = [counter.seen(order.id) for order in orders]
    assert {each.status for each in seen if each} == {OrderStatus.FULFILLED}


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_reports_of_a_station_in_a_delivery_the_newer_is_stored(turn: int) -> None:
    """W7: in whatever order they are in it."""
    counter = Counter()
    order = counter.order(kitchen=())
    events = [answer(order, B, sequence=1, final=False), answer(order, B, sequence=2)]
    counter.deliver(events[::turn])
    assert counter.stored_report(order, B)["sequence"] == 2


def test_a_report_that_is_known_leaves_the_others_of_a_delivery_stored() -> None:
    """W7: a final report stays, a newer one replaces one that is not, and a new one is stored."""
    counter = Counter()
    done, begun, new = (counter.order(kitchen=()) for _ in range(3))
    counter.report(done)
    first = counter.stored_report(done, B)
    counter.report(begun, final=False)
    counter.later(1)
    events = [answer(done, B), answer(begun, B, sequence=2), answer(new, B)]
    counter.deliver(events)
    assert counter.stored_report(done, B) == first
    assert counter.stored_report(begun, B)["sequence"] == 2
    assert counter.stored_report(new, B)["final"]
    assert "report.late" not in counter.logged


def test_reports_that_are_known_cost_one_read_together() -> None:
    """After an outage a station's reports come as often as it was asked (W8)."""
    counter = Counter()
    orders = [counter.order() for _ in range(20)]
    events = [answer(order, K) for order in orders]
    counter.deliver(events)
    counter.later(60)
    counter.sidecar.calls.clear()
    counter.deliver(events)
    assert counter.kinds() == ["save report", "read"]


def test_a_report_that_is_not_confirmed_comes_again() -> None:
    counter = Counter()
    order = counter.order()
    counter.lose('"key":"report-')
    with pytest.raises(ServiceUnavailable):
        counter.report(order)
    counter.lose()
    counter.report(order)
    seen = counter.seen(order.id)
    assert seen is not None
    assert seen.status is OrderStatus.FULFILLED


def test_a_last_word_that_differs_from_the_first_is_noticed_and_changes_nothing() -> None:
    """W7."""
    counter = Counter()
    order = counter.order(kitchen=())
    counter.report(order)
    first = counter.stored_report(order, B)
    counter.report(order, sequence=9, statuses={order.items[0].id: ItemStatus.FAILED})
    assert counter.stored_report(order, B) == first
    assert counter.logged[-1] == "report.late"
    assert counter.sidecar.events("barista_order_cancelled") == []


@pytest.mark.parametrize(("rivals", "pauses"), [(0, 0), (1, 0), (3, 2)])
def test_only_what_meets_others_again_and_again_waits(rivals: int, pauses: int) -> None:
    """A report that replaces another one, while somebody else changes the document just before."""
    counter = Counter()
    order = counter.order(kitchen=())
    counter.report(order, final=False)
    left = rivals

    def overtake(call: Call) -> None:
        nonlocal left
        if call.target == STATE and b'"etag"' in call.body and left:
            left -= 1
            key = f"report-{order.id}-barista"
            counter.sidecar.put(key, counter.sidecar.document(key))

    counter.sidecar.before = overtake
    counter.report(order, sequence=2)
    assert counter.stored_report(order, B)["sequence"] == 2
    assert len(counter.slept) == pauses
    assert all(0 < seconds <= 0.02 for seconds in counter.slept)


def test_a_report_on_what_was_never_saved_makes_no_order() -> None:
    """W4: nobody may have sent it, and a tombstone stays one."""
    counter = Counter()
    with pytest.raises(UnknownOrder):
        counter.cancel(placed([1], []).id)
    counter.report(placed([1], []))
    assert counter.seen(placed([1], []).id) is None


# Cancelling (W13)


def test_cancelling_what_is_not_there_sees_to_it_that_it_never_will_be() -> None:
    """W13: only then is it 404."""
    counter = Counter()
    with pytest.raises(UnknownOrder):
        counter.cancel(ID)
    assert isinstance(counter.record(ID), Tombstone)
    with pytest.raises(UnknownOrder):
        counter.cancel(ID)


def test_cancelling_what_may_be_there_is_no_answer() -> None:
    """W13: a tombstone that is not confirmed is no 404."""
    counter = Counter()
    counter.lose(f'"key":"{ID}"')
    with pytest.raises(ServiceUnavailable):
        counter.cancel(ID)


def test_cancelling_meets_an_order_that_is_just_placed() -> None:
    """W13: the tombstone's conflict is read, and the order is cancelled."""
    counter = Counter()
    rival = Counter()
    rival.place()

    def overtake(call: Call) -> None:
        if b'"kind":"tombstone"' in call.body and counter.record(ID) is None:
            counter.sidecar.put(ID, rival.sidecar.document(ID))

    counter.sidecar.before = overtake
    assert counter.cancel(ID).status is OrderStatus.PLACED
    assert isinstance(counter.record(ID), Order)
    assert len(counter.sidecar.events("kitchen_order_cancelled")) == 1


def test_a_cancellation_is_stored_before_it_is_published() -> None:
    """W13: so that the sweep repeats it."""
    counter = Counter()
    order = counter.order()
    counter.sidecar.calls.clear()
    counter.cancel(order.id)
    kinds = [kind for kind in counter.kinds() if kind != "read"]
    assert kinds[0] == "save cancel"
    assert set(kinds[1:]) == {"publish barista_order_cancelled", "publish kitchen_order_cancelled"}
    (event,) = counter.sidecar.events("kitchen_order_cancelled")
    assert event == counter.sidecar.events("kitchen_order_placed")[0]


def test_a_cancellation_that_is_not_stored_is_not_published() -> None:
    """W13."""
    counter = Counter()
    order = counter.order()
    counter.lose('"key":"cancel-')
    with pytest.raises(ServiceUnavailable):
        counter.cancel(order.id)
    assert counter.sidecar.events("kitchen_order_cancelled") == []


def test_a_cancellation_that_cannot_be_published_is_requested_all_the_same() -> None:
    """W13."""
    counter = Counter()
    order = counter.order()
    counter.lose("/publish/")
    assert counter.cancel(order.id).status is OrderStatus.PLACED
    assert counter.sidecar.document(f"cancel-{order.id}") is not None


def test_what_has_ended_cannot_be_cancelled() -> None:
    """Whether it is settled or not."""
    counter = Counter()
    order = counter.order()
    counter.report(order)
    for _ in range(2):
        with pytest.raises(OrderEnded):
            counter.cancel(order.id)
        counter.sweep()
    assert counter.sidecar.document(f"cancel-{order.id}") is None
    assert counter.sidecar.events("kitchen_order_cancelled") == []
