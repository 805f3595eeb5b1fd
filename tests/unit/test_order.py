"""The order's decisions: pure functions, checked over any order and any run of events."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from coffeeshop.contracts import ItemStatus, OrderStatus, Station
from counter.order import (
    GRACE,
    Abandon,
    End,
    GiveUp,
    Order,
    Rejected,
    Resubmit,
    Tombstone,
    contradicts,
    give_up,
    record_answer,
    requested_types,
    watch,
)
from example_orders import NOW, command, placed, verdicts


def without_times(order: Order) -> bytes:
    same = [(change.status, change.cause) for change in order.history]
    return repr((order.status, order.items, same, order.total)).encode()


orders = st.builds(
    placed,
    st.lists(st.sampled_from([1, 5]), max_size=5),
    st.lists(st.sampled_from([7, 8]), max_size=5),
).filter(lambda order: order.items)


def test_the_worked_example_costs_six_dollars_and_twenty_five_cents() -> None:
    order = placed([1], [7])
    assert order.total == 625
    assert order.status is OrderStatus.PLACED
    assert order.open_stations() == (Station.BARISTA, Station.KITCHEN)


def test_the_same_item_twice_is_two_items() -> None:
    order = placed([1, 1], [])
    assert [item.id for item in order.items] == ["o-1", "o-2"]


@given(orders, st.data())
def test_any_run_of_answers_ends_in_the_same_order(order: Order, data: st.DataObject) -> None:
    """Repeated and reordered answers lead to the same order, byte for byte apart from times."""
    failed = data.draw(st.frozensets(st.sampled_from([item.id for item in order.items])))
    stations = order.open_stations()
    ends = []
    for _ in range(2):
        run = data.draw(st.lists(st.sampled_from(stations), max_size=6))
        run += data.draw(st.permutations(stations))
        state = order
        for step, station in enumerate(run):
            before = state
            moment = NOW + timedelta(seconds=step)
            state = record_answer(state, station, verdicts(order, station, failed), moment)
            assert not before.is_terminal or state == before
        assert state.is_terminal
        assert state.status is (OrderStatus.FAILED if failed else OrderStatus.FULFILLED)
        ends.append(without_times(state))
    assert ends[0] == ends[1]


@given(orders)
def test_a_stored_order_reads_back_as_it_was(order: Order) -> None:
    documents: TypeAdapter[Order | Tombstone] = TypeAdapter(Order | Tombstone)
    assert documents.validate_json(documents.dump_json(order)) == order


def test_a_failed_item_fails_the_order_and_leaves_the_others_alone() -> None:
    order = placed([1], [7])
    order = record_answer(
        order, Station.KITCHEN, verdicts(order, Station.KITCHEN, frozenset({"o-2"})), NOW
    )
    assert order.status is OrderStatus.IN_PROGRESS
    order = record_answer(
        order, Station.BARISTA, verdicts(order, Station.BARISTA, frozenset()), NOW
    )
    assert order.status is OrderStatus.FAILED
    assert [item.status for item in order.items] == [ItemStatus.READY, ItemStatus.FAILED]
    assert order.items[1].reason == "CROISSANT is sold out."


def test_a_station_cannot_decide_another_stations_item() -> None:
    order = placed([1], [7])
    foreign = verdicts(order, Station.KITCHEN, frozenset())
    assert record_answer(order, Station.BARISTA, foreign, NOW) is order


def test_a_late_answer_changes_nothing_and_is_noticed() -> None:
    order = placed([1], [])
    answer = verdicts(order, Station.BARISTA, frozenset())
    ended = give_up(order, NOW)
    assert record_answer(ended, Station.BARISTA, answer, NOW) is ended
    assert contradicts(ended, answer)
    in_time = record_answer(order, Station.BARISTA, answer, NOW)
    assert not contradicts(in_time, answer)


@pytest.mark.parametrize(
    ("barista", "kitchen", "fields"),
    [
        ([7], [], ["baristaItems.0.itemType"]),
        ([1], [7, 5], ["kitchenItems.1.itemType"]),
        ([99], [98], ["baristaItems.0.itemType", "kitchenItems.0.itemType"]),
    ],
)
def test_a_wrong_item_is_named(barista: list[int], kitchen: list[int], fields: list[str]) -> None:
    with pytest.raises(Rejected) as rejected:
        placed(barista, kitchen)
    assert [error.field for error in rejected.value.errors] == fields


@pytest.mark.parametrize(("barista", "kitchen"), [([], []), ([1] * 26, [7] * 25)])
def test_an_order_has_one_to_fifty_items(barista: list[int], kitchen: list[int]) -> None:
    with pytest.raises(Rejected):
        requested_types(command(barista, kitchen))


def test_the_watchdog_abandons_what_was_never_saved() -> None:
    assert watch(None, NOW) == Abandon()


def test_the_watchdog_ends_with_the_order() -> None:
    order = placed([1], [])
    ended = record_answer(
        order, Station.BARISTA, verdicts(order, Station.BARISTA, frozenset()), NOW
    )
    assert watch(ended, NOW) == End()
    assert watch(Tombstone("o", NOW), NOW) == End()


def test_the_watchdog_submits_to_the_stations_that_did_not_answer() -> None:
    order = placed([1], [7])
    half = record_answer(order, Station.BARISTA, verdicts(order, Station.BARISTA, frozenset()), NOW)
    assert watch(half, NOW) == Resubmit(half, (Station.KITCHEN,))
    assert watch(half, half.expires_at + GRACE) == Resubmit(half, (Station.KITCHEN,))


def test_only_after_the_grace_does_the_watchdog_give_up() -> None:
    order = placed([1], [7])
    half = record_answer(order, Station.BARISTA, verdicts(order, Station.BARISTA, frozenset()), NOW)
    decision = watch(half, half.expires_at + GRACE + timedelta(milliseconds=1))
    assert isinstance(decision, GiveUp)
    assert decision.order.status is OrderStatus.FAILED
    assert [item.status for item in decision.order.items] == [ItemStatus.READY, ItemStatus.FAILED]
    assert decision.order.items[1].reason == "The kitchen did not answer in time."
