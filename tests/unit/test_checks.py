"""What the sweep does about an order, and when: pure functions.

W1 to W19 are the rules of docs/workflow.md.
"""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.contracts import Station
from counter.checks import (
    CHECK_PERIOD,
    GRACE_PERIOD,
    REMINDER_TIMEOUT,
    CreateTombstone,
    Done,
    GiveUp,
    Remind,
    Settle,
    next_action,
    next_check,
)
from counter.documents import Order, Tombstone
from counter.order import given_up_report, unfinished_stations
from example_orders import NOW, placed, report, settled, under_way

B, K = Station.BARISTA, Station.KITCHEN


def test_what_was_never_saved_is_buried() -> None:
    """W12."""
    assert next_action(None, {}, NOW, None) == CreateTombstone()


def test_nothing_is_done_about_a_tombstone_or_a_settled_order() -> None:
    """W12."""
    order = placed([1], [])
    assert next_action(Tombstone("o", NOW), {}, NOW, None) == Done()
    assert next_action(settled(order, report(order, B)), {}, NOW, None) == Done()


def test_an_order_whose_reports_are_final_is_settled_with_them() -> None:
    """W1, W11: to a station that was given up `cancel` goes first."""
    order = placed([1], [7])
    reports = {B: report(order, B), K: report(order, K)}
    expected = settled(order, reports[B], reports[K])
    assert next_action(order, reports, NOW, None) == Settle(expected, ())
    reports[K] = given_up_report(order, K, NOW)
    expected = settled(order, reports[B], reports[K])
    assert next_action(order, reports, NOW, None) == Settle(expected, (K,))


def test_every_station_that_has_not_finished_is_asked() -> None:
    """W8: also one that has accepted the order."""
    order = placed([1], [7])
    assert next_action(order, {B: report(order, B)}, NOW, None) == Remind(
        order, (K,), is_last=False
    )
    begun = {B: report(order, B), K: under_way(order, K, 1)}
    assert next_action(order, begun, NOW, None) == Remind(order, (K,), is_last=False)
    assert unfinished_stations(order, begun) == (K,)


def test_a_silent_station_is_given_up_in_two_steps() -> None:
    """W10, G9: past the grace it is asked, and given up a question and an answer later."""
    order = placed([1], [7])
    reports = {B: report(order, B)}
    in_time = order.expires_at + GRACE_PERIOD
    late = in_time + timedelta(milliseconds=1)
    assert next_action(order, reports, in_time, None) == Remind(order, (K,), is_last=False)
    assert next_action(order, reports, late + timedelta(days=1), None) == Remind(
        order, (K,), is_last=True
    )
    almost = late + REMINDER_TIMEOUT - timedelta(milliseconds=1)
    assert next_action(order, reports, almost, late) == Remind(order, (K,), is_last=True)
    assert next_action(order, reports, late + REMINDER_TIMEOUT, late) == GiveUp(order, (K,))


def test_a_station_that_has_reported_is_never_given_up() -> None:
    """W10, G5: it is asked as long as it takes, and only the silent one is given up."""
    order = placed([1], [7])
    late = order.expires_at + timedelta(days=1)
    reports = {B: under_way(order, B, 1)}
    assert next_action(order, reports, late, NOW) == GiveUp(order, (K,))
    reports[K] = under_way(order, K, 1)
    assert next_action(order, reports, late, NOW) == Remind(order, (B, K), is_last=False)


def looks(order: Order, until: timedelta, pace: timedelta) -> list[float]:
    """The order's ages, in seconds, at which a sweep of this pace looks at it: nobody reports."""
    found, now, due = [], order.placed_at, order.placed_at + timedelta(seconds=10)
    while now <= order.placed_at + until:
        if now >= due:
            found.append((now - order.placed_at).total_seconds())
            due = next_check(order, now, None)
            assert due > now
        now += pace
    return found


def test_a_silent_station_is_asked_seven_times_in_five_minutes() -> None:
    """W8: after 10, 20 and 40 s, then every 60 s; an outage must not become a flood."""
    five_minutes = looks(placed([1], []), timedelta(minutes=5), timedelta(seconds=1))
    assert five_minutes == [10, 20, 40, 100, 160, 220, 280]


@given(st.integers(0, 9_999))
def test_a_sweep_looks_at_most_seven_times_in_five_minutes(begun: int) -> None:
    """W8, whenever in its 10 s the order was placed."""
    order = placed([1], [])
    order = replace(order, placed_at=order.placed_at + timedelta(milliseconds=begun))
    found, due = 0, order.placed_at + timedelta(seconds=10)
    for tick in range(1, 31):
        now = NOW + timedelta(seconds=10 * tick)
        if now >= due:
            found += 1
            due = next_check(order, now, None)
    assert 6 <= found <= 7


@given(st.integers(0, 3_600_000), st.one_of(st.none(), st.integers(0, 60_000)))
def test_the_next_look_is_ahead_and_within_a_minute(age: int, asked_ago: int | None) -> None:
    """W8, W10: never in the past, which would be a flood, and never forgotten."""
    order = placed([1], [])
    now = NOW + timedelta(milliseconds=age)
    asked = None if asked_ago is None else now - timedelta(milliseconds=asked_ago)
    then = next_check(order, now, asked)
    assert now <= then <= now + timedelta(seconds=60)
    assert then > now or asked is not None


def test_giving_up_is_looked_at_when_it_is_due() -> None:
    """W10: past the grace, and when the last question can have been answered."""
    order = placed([1], [])
    due = order.expires_at + GRACE_PERIOD + timedelta(milliseconds=1)
    assert next_check(order, due - timedelta(seconds=9), None) == due
    assert next_check(order, due + timedelta(seconds=15), due) == due + REMINDER_TIMEOUT


def test_an_order_of_a_clock_that_was_ahead_is_looked_at_once_a_minute() -> None:
    order = placed([1], [7])
    now = order.placed_at - timedelta(days=3)
    assert next_check(order, now, None) == now + CHECK_PERIOD
