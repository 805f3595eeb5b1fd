"""What becomes of a ticket, whatever staff and customers do: the transitions, and nothing else.

T1 to T9 are rules of docs/workflow.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.contracts import ItemStatus, ItemToMake, Station, StationOrdered
from coffeeshop.tickets import Ticket, TicketItem
from example_orders import NOW, ORDER_ID, later
from station.decisions import accept, cancelled, decide
from station.tickets import (
    CANCELLED,
    FAILED,
    OPEN,
    QUEUED,
    READY,
    STARTED,
    Action,
    Refused,
    UnknownItem,
    cancel,
    close,
    repeats,
    report,
    tapped,
)
from station.times import spread, times

ITEMS = ("1", "2", "3")
STEPS = {
    QUEUED: {STARTED, FAILED, CANCELLED},
    STARTED: {READY, FAILED},
}
"""Every transition that an item may make."""


def order(items: int = 3, **changes: object) -> StationOrdered:
    given = {
        "orderId": ORDER_ID,
        "expiresAt": NOW + timedelta(minutes=5),
        "items": [ItemToMake(id=str(n), itemType=n, name=f"ITEM_{n}") for n in range(1, items + 1)],
    }
    return StationOrdered.model_validate(given | changes)


def ticket(*statuses: ItemStatus, by: str = "ann") -> Ticket:
    """One with items of these statuses, reached by taps."""
    made = accept(order(len(statuses)), Station.BARISTA, frozenset(), NOW, is_late=False)
    begun = [str(n) for n, s in enumerate(statuses, 1) if s in (STARTED, READY)]
    for to, items in (
        (STARTED, begun),
        (READY, [str(n) for n, s in enumerate(statuses, 1) if s is READY]),
        (FAILED, [str(n) for n, s in enumerate(statuses, 1) if s is FAILED]),
    ):
        if items:
            made = tap(made, Action(to, by, items, "dropped" if to is FAILED else None))
    return cancel(made, NOW) if CANCELLED in statuses else made


_ids = count()


def tap(before: Ticket, action: Action, at: float = 1) -> Ticket:
    return tapped(before, action, later(at), lambda: f"make-{next(_ids)}")


def statuses(of: Ticket) -> list[ItemStatus]:
    return [item.status for item in of.items]


# Taking up an order


def test_an_order_is_queued_with_its_number_and_name() -> None:
    made = accept(
        order(2, number=17, name="Ann", placedAt=later(-3)),
        Station.BARISTA,
        frozenset({2}),
        NOW,
        is_late=False,
    )
    assert statuses(made) == [QUEUED, FAILED]
    assert (made.number, made.name, made.sequence, made.final) == (17, "Ann", 1, False)
    assert (made.placedAt, made.acceptedAt) == (later(-3), NOW)
    assert made.items[1].reason == "ITEM_2 is sold out."


def test_an_order_of_which_nothing_can_be_made_has_ended() -> None:
    made = accept(order(2), Station.BARISTA, frozenset({1, 2}), NOW, is_late=False)
    assert made.final
    late = accept(order(2), Station.BARISTA, frozenset(), NOW, is_late=True)
    assert statuses(late) == [FAILED, FAILED]
    assert late.final


def test_a_station_that_makes_at_once_has_no_open_ticket() -> None:
    made = decide(order(2), Station.BARISTA, frozenset({2}), NOW, lambda: "m", is_late=False)
    assert statuses(made) == [READY, FAILED]
    assert made.final
    assert made.acceptedAt is None


def test_a_report_says_what_was_done_and_not_by_whom() -> None:
    """T9."""
    done = ticket(READY, STARTED, QUEUED)
    told = report(done)
    text = told.to_json().decode()
    assert (told.sequence, told.final) == (done.sequence, False)
    assert "startedAt" in text
    assert "ann" not in text


# Taps


@pytest.mark.parametrize(
    ("before", "to", "after"),
    [
        ([QUEUED, QUEUED], STARTED, [STARTED, STARTED]),
        ([QUEUED, STARTED], STARTED, [STARTED, STARTED]),
        ([STARTED, STARTED], READY, [READY, READY]),
        ([READY, STARTED], READY, [READY, READY]),
        ([CANCELLED, STARTED], READY, [CANCELLED, READY]),
        ([QUEUED, STARTED], FAILED, [FAILED, FAILED]),
        ([READY, QUEUED], FAILED, [READY, FAILED]),
    ],
)
def test_a_tap_without_items_is_for_all_that_is_open(
    before: list[ItemStatus], to: ItemStatus, after: list[ItemStatus]
) -> None:
    """T3."""
    assert statuses(tap(ticket(*before), Action(to, "ann", reason="dropped"))) == after


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ([READY, STARTED], Action(STARTED, "ann")),
        ([READY, READY], Action(STARTED, "ann")),
        ([READY, READY], Action(READY, "ann")),
        ([FAILED, READY], Action(READY, "ann")),
        ([FAILED, READY], Action(FAILED, "ann", reason="again")),
        ([STARTED, QUEUED], Action(STARTED, "bob", ["1"])),
        ([READY, QUEUED], Action(STARTED, "bob", ["1"])),
        ([READY, QUEUED], Action(READY, "bob", ["1"])),
    ],
)
def test_a_tap_for_what_was_done_changes_nothing(before: list[ItemStatus], action: Action) -> None:
    """T4: of two persons who tap, the first counts."""
    known = ticket(*before)
    assert tap(known, action) is known


@pytest.mark.parametrize(
    ("before", "action", "because"),
    [
        ([QUEUED, QUEUED], Action(READY, "ann"), "ITEM_1 is not started."),
        ([STARTED, QUEUED], Action(READY, "ann"), "ITEM_2 is not started."),
        ([STARTED, QUEUED], Action(READY, "ann", ["1", "2"]), "ITEM_2 is not started."),
        ([CANCELLED, STARTED], Action(STARTED, "ann", ["1", "2"]), "ITEM_1 was cancelled."),
        ([CANCELLED, CANCELLED], Action(STARTED, "ann"), "ITEM_1 was cancelled."),
        ([FAILED, QUEUED], Action(READY, "ann", ["1"]), "ITEM_1 could not be made."),
        ([READY, QUEUED], Action(FAILED, "ann", ["1"], "no"), "ITEM_1 is ready."),
    ],
)
def test_a_tap_that_an_item_cannot_follow_is_refused_and_changes_none(
    before: list[ItemStatus], action: Action, because: str
) -> None:
    """T3, W6: what nobody started is not ready."""
    with pytest.raises(Refused, match=because):
        tap(ticket(*before), action)


def test_an_item_of_another_ticket_is_unknown() -> None:
    with pytest.raises(UnknownItem):
        tap(ticket(QUEUED), Action(STARTED, "ann", ["1", "9"]))


def test_each_item_that_is_started_gets_a_make_id_of_its_own() -> None:
    """W6."""
    begun = tap(ticket(QUEUED, QUEUED, QUEUED), Action(STARTED, "ann", ["1", "3"]))
    ids = [item.makeId for item in begun.items]
    assert ids[1] is None
    assert len({*ids}) == 3
    assert [item.startedBy for item in begun.items] == ["ann", None, "ann"]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action(STARTED, "ann"), True),
        (Action(STARTED, "bob"), False),
        (Action(STARTED, "ann", ["1"]), True),
        (Action(READY, "ann", ["1"]), True),
        (Action(READY, "bob", ["1"]), False),
        (Action(READY, "ann"), False),
        (Action(FAILED, "ann", ["1"], "no"), False),
    ],
)
def test_a_tap_is_repeated_if_the_same_person_did_just_that(action: Action, expected: bool) -> None:
    """T5."""
    assert repeats(ticket(READY, STARTED, STARTED), action) is expected


# Cancelling and closing


def test_a_cancellation_ends_what_is_queued_and_nothing_else() -> None:
    """T7, W13, G16."""
    after = cancel(ticket(QUEUED, STARTED, READY), later(5))
    assert statuses(after) == [CANCELLED, STARTED, READY]
    assert after.items[0].reason == "ITEM_1 was cancelled before it was begun."
    assert cancel(after, later(9)) is after


def test_an_order_that_was_cancelled_before_it_came_has_ended() -> None:
    """W13."""
    assert cancelled(order(2), Station.BARISTA, NOW).final


def test_closing_the_day_ends_what_is_open_with_the_reason() -> None:
    """T8."""
    after = close(ticket(QUEUED, STARTED, READY), "ann", "The shop closes.", later(5))
    assert statuses(after) == [FAILED, FAILED, READY]
    assert {item.reason for item in after.items} == {"The shop closes.", None}
    assert after.final
    assert close(after, "ann", "again", later(6)) is after


# Whatever comes


@dataclass(frozen=True)
class Step:
    what: str
    do: Callable[[Ticket], Ticket]


def _taps() -> st.SearchStrategy[Step]:
    def step(to: ItemStatus, by: str, items: list[str] | None) -> Step:
        action = Action(to, by, items, "no milk" if to is FAILED else None)
        return Step(f"{to} {items}", lambda before: tap(before, action))

    subsets = st.none() | st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3)
    return st.builds(
        step, st.sampled_from([STARTED, READY, FAILED]), st.sampled_from("ab"), subsets
    )


STEP = _taps() | st.sampled_from(
    [
        Step("cancel", lambda before: cancel(before, later(2))),
        Step("close", lambda before: close(before, "ann", "closed", later(2))),
    ]
)


def _has_ended(item: TicketItem) -> bool:
    return item.status not in OPEN


@given(st.lists(STEP, max_size=12))
def test_whatever_is_done_each_item_goes_its_way_once(steps: list[Step]) -> None:
    """T3, T4, W6, G4, G16, G18: an end stays, a making has one id, and each change has a number."""
    now = accept(order(), Station.BARISTA, frozenset(), NOW, is_late=False)
    for step in steps:
        before = now
        try:
            now = step.do(before)
        except Refused:
            continue
        changed = [(a, b) for a, b in zip(before.items, now.items, strict=True) if a is not b]
        assert (now is before) == (not changed)
        assert now.sequence == before.sequence + bool(changed)
        for old, new in changed:
            assert new.status in STEPS[old.status], step.what
            assert old.makeId in (None, new.makeId)
            assert old.startedBy in (None, new.startedBy)
        assert step.do(now) is now, step.what
        assert now.final == all(map(_has_ended, now.items))
        for item in now.items:
            assert (item.startedAt is not None) == (item.makeId is not None)
            assert item.status not in (STARTED, READY) or item.makeId
            assert item.status is not CANCELLED or item.makeId is None
            assert (item.endedAt is not None) == _has_ended(item)
    ids = [item.makeId for item in now.items if item.makeId]
    assert len(ids) == len(set(ids))


# Times


def test_the_times_are_from_placed_to_started_to_ready() -> None:
    first = tap(tap(ticket(QUEUED), Action(STARTED, "ann"), 60), Action(READY, "ann"), 180)
    second = tap(ticket(QUEUED), Action(STARTED, "ann"), 30)
    told = times([first, second, ticket(QUEUED)], NOW)
    assert told.tickets == 3
    assert told.placedToStarted == spread([timedelta(seconds=30), timedelta(seconds=60)])
    assert told.startedToReady == spread([timedelta(seconds=120)])
    assert told.placedToReady == spread([timedelta(seconds=180)])


def test_what_never_was_has_no_times() -> None:
    told = times([ticket(QUEUED), ticket(FAILED)], NOW)
    assert told.placedToStarted is None
    assert told.startedToReady is None


@given(st.lists(st.integers(-5, 10_000), min_size=1, max_size=60))
def test_half_of_the_durations_are_within_p50_and_nine_of_ten_within_p90(
    seconds: list[int],
) -> None:
    found = spread(timedelta(seconds=each) for each in seconds)
    assert found is not None
    for part, limit in ((0.5, found.p50), (0.9, found.p90)):
        assert sum(max(0, each) <= limit for each in seconds) >= part * len(seconds)
        assert sum(max(0, each) < limit for each in seconds) < part * len(seconds)
