"""The order's decisions: pure functions, checked over any order and any run of reports.

W1 to W19 are the rules of docs/workflow.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from coffeeshop.contracts import ItemStatus, OrderStatus, Station, StationAnswered
from counter.documents import ItemOutcome, Order, OrderDocument, Report, Tombstone
from counter.order import (
    WrongCount,
    WrongItems,
    contradicts,
    given_up_report,
    newer,
    requested_types,
    to_report,
)
from counter.view import view
from example_orders import NOW, answer, later, placed, report, requested, settled, under_way

B, K = Station.BARISTA, Station.KITCHEN
READY, FAILED, CANCELLED = ItemStatus.READY, ItemStatus.FAILED, ItemStatus.CANCELLED
FINAL = (READY, FAILED, CANCELLED)
RECORDS: TypeAdapter[OrderDocument] = TypeAdapter(OrderDocument)

orders = st.builds(
    placed,
    st.lists(st.sampled_from([1, 5]), max_size=5),
    st.lists(st.sampled_from([7, 8]), max_size=5),
).filter(lambda order: order.items)


# Placing


def test_the_worked_example_costs_six_dollars_and_twenty_five_cents() -> None:
    order = placed([1], [7])
    assert order.total == 625
    assert order.stations == (B, K)
    assert [item.station for item in order.items_of(K)] == [K]


def test_the_same_item_twice_is_two_items() -> None:
    order = placed([1, 1], [])
    assert [item.id for item in order.items] == [f"{order.id}-1", f"{order.id}-2"]


@pytest.mark.parametrize(
    ("barista", "kitchen", "wrong"),
    [
        ([7], [], {0: "CROISSANT"}),
        ([1], [7, 5], {2: "LATTE"}),
        ([99], [98], {0: None, 1: None}),
    ],
)
def test_a_wrong_item_is_named_by_its_position(
    barista: list[int], kitchen: list[int], wrong: dict[int, str | None]
) -> None:
    with pytest.raises(WrongItems) as rejected:
        placed(barista, kitchen)
    names = {n: known and known.name for n, known in rejected.value.items.items()}
    assert names == wrong


@pytest.mark.parametrize(("barista", "kitchen"), [([], []), ([1] * 26, [7] * 25)])
def test_an_order_has_one_to_fifty_items(barista: list[int], kitchen: list[int]) -> None:
    with pytest.raises(WrongCount) as rejected:
        requested_types(requested(barista, kitchen))
    assert rejected.value.count == len(barista) + len(kitchen)


@given(orders, st.booleans())
def test_a_stored_record_reads_back_as_it_was(order: Order, is_settled: bool) -> None:
    if is_settled:
        order = settled(order, *(report(order, station) for station in order.stations))
    for record in (order, Tombstone(order.id, NOW)):
        assert RECORDS.validate_json(RECORDS.dump_json(record)) == record


# What the public sees


def test_an_order_without_reports_is_placed() -> None:
    seen = view(placed([1], [7]), {})
    assert (seen.status, seen.updated_at, seen.is_terminal) == (OrderStatus.PLACED, NOW, False)
    assert [(each.status, each.at) for each in seen.history] == [(OrderStatus.PLACED, NOW)]
    assert seen.outcomes == {}


def test_an_order_with_a_report_missing_is_in_progress() -> None:
    order = placed([1], [7])
    seen = view(order, {K: report(order, K, later(3))})
    assert (seen.status, seen.updated_at) == (OrderStatus.IN_PROGRESS, later(3))
    assert [each.status for each in seen.history] == [OrderStatus.PLACED, OrderStatus.IN_PROGRESS]
    assert set(seen.outcomes) == {f"{order.id}-2"}


@pytest.mark.parametrize(
    ("coffee", "croissant", "status"),
    [
        (READY, READY, OrderStatus.FULFILLED),
        (READY, FAILED, OrderStatus.PARTIAL),
        (FAILED, FAILED, OrderStatus.FAILED),
        (CANCELLED, CANCELLED, OrderStatus.CANCELLED),
        (READY, CANCELLED, OrderStatus.PARTIAL),
        (FAILED, CANCELLED, OrderStatus.FAILED),
    ],
)
def test_an_order_ends_as_its_items_did(
    coffee: ItemStatus, croissant: ItemStatus, status: OrderStatus
) -> None:
    order = placed([1], [7])
    reports = {
        B: report(order, B, later(1), _1=coffee),
        K: report(order, K, later(2), _2=croissant),
    }
    seen = view(order, reports)
    assert (seen.status, seen.updated_at, seen.is_terminal) == (status, later(2), True)
    assert [seen.outcomes[item.id].status for item in order.items] == [coffee, croissant]
    assert [(each.status, each.at) for each in seen.history] == [
        (OrderStatus.PLACED, NOW),
        (OrderStatus.IN_PROGRESS, later(1)),
        (status, later(2)),
    ]


def test_an_order_of_one_station_was_in_progress_only_if_the_station_said_so() -> None:
    order = placed([1], [])
    only = report(order, B, later(2))
    assert [each.status for each in view(order, {B: only}).history] == [
        OrderStatus.PLACED,
        OrderStatus.FULFILLED,
    ]
    begun = newer(under_way(order, B, 1, later(1)), only)
    assert begun is not None
    assert [each.at for each in view(order, {B: begun}).history] == [NOW, later(1), later(2)]


def test_what_a_station_has_begun_shows_before_it_is_done() -> None:
    order = placed([1], [])
    seen = view(order, {B: under_way(order, B, 1, later(1))})
    assert seen.status is OrderStatus.IN_PROGRESS
    assert seen.outcomes[order.items[0].id].status is ItemStatus.STARTED


def test_an_item_of_which_its_station_says_nothing_has_failed() -> None:
    order = placed([1, 5], [])
    silent = replace(report(order, B), items=report(order, B).items[:1])
    seen = view(order, {B: silent})
    assert seen.status is OrderStatus.PARTIAL
    assert seen.outcomes[order.items[1].id].reason == "The barista did not say."


def test_an_order_of_a_release_without_partial_ends_as_it_did_there() -> None:
    """G3: such an order has no number."""
    order = replace(placed([1], [7]), number=None)
    reports = {B: report(order, B), K: report(order, K, _2=FAILED)}
    assert view(order, reports).status is OrderStatus.FAILED
    assert view(settled(order, *reports.values()), {}).status is OrderStatus.FAILED


def test_what_is_due_is_what_may_still_be_made_and_at_the_end_what_was() -> None:
    """G22."""
    order = placed([1, 5], [7])
    assert view(order, {}).due == order.total == 1075
    failing = newer_items(under_way(order, B, 1), {order.items[0].id: FAILED})
    assert view(order, {B: failing}).due == 450 + 325
    assert view(order, {B: report(order, B, _1=CANCELLED)}).due == 450 + 325
    ended = {B: report(order, B, _1=FAILED), K: report(order, K, _3=CANCELLED)}
    assert view(order, ended).due == 450


def test_nothing_is_due_for_an_item_of_which_a_final_report_says_no_end() -> None:
    order = placed([1], [])
    unfinished = replace(under_way(order, B, 1), final=True)
    assert view(order, {B: unfinished}).due == 0


def newer_items(report: Report, statuses: Mapping[str, ItemStatus]) -> Report:
    """The report with other statuses of some items."""
    items = (replace(i, status=statuses.get(i.id, i.status)) for i in report.items)
    return replace(report, items=tuple(items))


def test_a_station_decides_about_its_own_items_alone() -> None:
    """G5."""
    order = placed([1], [7])
    foreign = replace(
        report(order, B, later(2)),
        items=tuple(ItemOutcome(item.id, READY) for item in order.items),
    )
    reports = {B: foreign, K: report(order, K, later(1), _2=FAILED)}
    assert view(order, reports).outcomes[order.items[1].id].status is FAILED
    assert set(view(order, {B: foreign}).outcomes) == {order.items[0].id}


@given(orders, st.data())
def test_a_settled_order_shows_what_it_showed_before(order: Order, data: st.DataObject) -> None:
    """W1: once it is settled the order alone says all, whatever reports are beside it."""
    reports = {}
    for number, station in enumerate(order.stations):
        statuses = {i.id: data.draw(st.sampled_from(FINAL)) for i in order.items_of(station)}
        reports[station] = to_report(answer(order, station, statuses), later(number + 1))
    before = view(order, reports)
    after = settled(order, *(reports[station] for station in order.stations))
    others = {station: under_way(order, station, 9) for station in order.stations}
    for beside in ({}, reports, others):
        assert replace(view(after, beside), order=order) == before


# Reports (W7)


def any_reports(order: Order, station: Station) -> st.SearchStrategy[Report]:
    """What one station may have reported on an order: numbered, one final report at the end."""
    final = answer(order, station, sequence=4)
    events = [answer(order, station, sequence=n, final=False) for n in (1, 2, 3)]
    return st.builds(
        to_report,
        st.sampled_from([*events, final]),
        st.integers(0, 60).map(later),
    )


def replayed(reports: Iterable[Report]) -> Report:
    """What is stored after the reports, in this order."""
    stored, *others = reports
    for each in others:
        stored = newer(stored, each) or stored
    return stored


runs = st.lists(any_reports(placed([1], []), B), min_size=1, max_size=8)


@given(runs, st.data())
def test_the_newest_report_stays_in_whatever_order_they_come(
    run: list[Report], data: st.DataObject
) -> None:
    """W7, G15: a final report replaces any that is not; of two others the higher number stays."""
    newest = max(run, key=lambda each: (each.final, each.sequence))
    for order in (run, data.draw(st.permutations(run))):
        stored = replayed(order)
        assert (stored.final, stored.sequence) == (newest.final, newest.sequence)
        assert stored.items == newest.items


@given(runs)
def test_a_final_report_is_never_changed_by_what_comes_after_it(run: list[Report]) -> None:
    """W7, G3: whatever its number."""
    order = placed([1], [])
    low = replace(report(order, B), sequence=0)
    assert replayed([low, *run]) == low
    assert replayed([*(each for each in run if not each.final), low]).items == low.items


@given(runs)
def test_the_station_began_with_its_first_report(run: list[Report]) -> None:
    """The replacing report keeps the time of the one that it replaces, if that is earlier."""
    stored = run[0]
    for each in run[1:]:
        after = newer(stored, each)
        if after is not None:
            assert after.first_at == min(stored.first_at, each.first_at)
            assert after.recorded_at == each.recorded_at
            stored = after


def test_a_report_that_says_the_same_again_contradicts_nothing() -> None:
    """W7: a repeated event is no cause for a warning; another last word is."""
    order = placed([1], [])
    stored = report(order, B)
    assert not contradicts(stored, report(order, B, later(9)))
    assert contradicts(stored, report(order, B, _1=FAILED))
    assert not contradicts(stored, under_way(order, B, 1))
    assert not contradicts(under_way(order, B, 1), stored)


def test_every_report_on_what_was_given_up_contradicts_it() -> None:
    """W7, W11: also one that is not final, for the station works on what nobody wants."""
    order = placed([1], [])
    stored = given_up_report(order, B, NOW)
    assert contradicts(stored, report(order, B))
    assert contradicts(stored, under_way(order, B, 1))
    assert newer(stored, report(order, B)) is None


def test_an_event_without_a_number_is_a_final_first_report() -> None:
    """As a station means it that knows of neither (version 1 of the events)."""
    order = placed([1], [])
    old = answer(order, B).model_dump(mode="json", exclude={"sequence", "final"})
    event = StationAnswered.model_validate(old)
    assert (event.sequence, event.final) == (1, True)
