"""How long an order will take: from those before it, and from how fast its stations are."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.contracts import ItemStatus, Station
from coffeeshop.index import milliseconds
from counter.documents import Order
from counter.estimate import LONGEST_MS, QUEUE, Pace, Paces, estimate, learned
from example_counter import Counter
from example_orders import NOW, later, placed, report, settled, under_way

B, K = Station.BARISTA, Station.KITCHEN
AT = milliseconds(NOW)


def coffee(placed_at: float, ready_at: float, status: ItemStatus = ItemStatus.READY) -> Order:
    """An order of a coffee, settled."""
    order = replace(placed([1], []), placed_at=later(placed_at))
    return settled(order, report(order, B, later(ready_at), _1=status))


def pace(ended: Iterable[Order]) -> Pace:
    (found,) = learned(Paces(), ended, ()).stations
    return found


def known(takes: float, *queue: float, ended: float = -9_999) -> Paces:
    """The barista takes so many seconds; orders wait that were placed at those."""
    moments = tuple(AT + round(1000 * at) for at in queue)
    return Paces((Pace(B, 1000 * takes, AT + round(1000 * ended), moments),))


def told(paces: Paces, at: float = 0) -> int | None:
    """The estimate of a coffee ordered at 0, so many seconds later."""
    return estimate(placed([1], []), {}, paces, later(at))


# What is learned


def test_a_station_that_is_idle_takes_from_the_placing_to_the_end() -> None:
    assert pace([coffee(0, 60)]).takes == 60_000
    assert pace([coffee(0, 60), coffee(600, 660)]).takes == 60_000


def test_a_busy_station_takes_from_one_end_to_the_next() -> None:
    """Five orders at once, one ready each minute."""
    assert pace([coffee(0, 60 * n) for n in range(1, 6)]).takes == 60_000


def test_two_who_work_are_twice_as_fast() -> None:
    """Each of them takes two minutes."""
    ends = [120 + 60 * n for n in range(40)]
    assert pace([coffee(0, end) for end in ends]).takes == pytest.approx(60_000, rel=0.01)


def test_a_pace_follows_what_is_newer() -> None:
    slow = [coffee(1_000 * n, 1_000 * n + 100) for n in range(20)]
    fast = [coffee(1_000 * n, 1_000 * n + 10) for n in range(20, 40)]
    assert 10_000 < pace([*slow, *fast]).takes < 12_000


@pytest.mark.parametrize("status", [ItemStatus.FAILED, ItemStatus.CANCELLED])
def test_what_was_not_made_says_nothing_about_the_pace(status: ItemStatus) -> None:
    assert learned(Paces(), [coffee(0, 60, status)], ()) == Paces()


def test_an_order_that_was_forgotten_counts_as_half_an_hour() -> None:
    assert pace([coffee(0, 86_400)]).takes == LONGEST_MS


def test_the_queue_of_a_station_is_what_waits_for_it() -> None:
    paces = learned(known(60), (), [(3, (B, K)), (1, (B,)), (2, (K,)), (4, ())])
    assert [each.queue for each in paces.stations] == [(1, 3)]
    many = learned(known(60), (), [(n, (B,)) for n in reversed(range(QUEUE + 50))])
    assert many.stations[0].queue == tuple(range(QUEUE))


# What is told


def test_of_a_station_that_nobody_knows_there_is_no_estimate() -> None:
    assert told(Paces()) is None


@pytest.mark.parametrize(
    ("before", "seconds"), [(0, 60), (1, 120), (5, 360)], ids=["none", "one", "five"]
)
def test_an_order_waits_for_those_before_it(before: int, seconds: int) -> None:
    """Begun this moment."""
    queue = [-100 + n for n in range(before)]
    assert told(known(60, *queue, 0, 5, 6, ended=0)) == seconds


def test_an_order_takes_less_the_longer_it_is_in_hand() -> None:
    assert [told(known(300, 0), at) for at in (0, 60, 200, 260, 299)] == [300, 240, 120, 40, 10]


def test_an_estimate_is_never_less_than_nothing() -> None:
    assert told(known(60, 0), 10_000) == 0
    assert told(known(60, -10, 0), 10_000) == 60


def test_an_order_takes_as_long_as_the_slowest_of_its_stations() -> None:
    order = placed([1], [7])
    paces = Paces((Pace(B, 60_000, AT), Pace(K, 600_000, AT)))
    assert estimate(order, {}, paces, NOW) == 600
    assert estimate(order, {K: report(order, K)}, paces, NOW) == 60
    assert estimate(order, {K: under_way(order, K, 1)}, paces, NOW) == 600


@given(
    st.floats(0, 2_000),
    st.lists(st.floats(-5_000, 5_000), max_size=20),
    st.floats(-5_000, 5_000),
    st.floats(-5_000, 50_000),
)
def test_an_estimate_is_a_number_of_tens_or_of_minutes(
    takes: float, queue: list[float], ended: float, at: float
) -> None:
    """Whatever the clocks say."""
    found = told(known(takes, *sorted(queue), ended=ended), at)
    assert found is not None
    assert found >= 0
    assert found % (10 if found <= 60 else 60) == 0


# In the counter


def test_an_open_order_has_an_estimate_after_others_have_ended() -> None:
    counter = Counter()
    first = counter.order()
    assert first.settled is None
    counter.later(90)
    counter.report(first)
    counter.sweep()
    order = counter.order()
    counter.sweep()
    seen = counter.seen(order.id)
    assert seen is not None
    assert seen.estimate == 120  # 90 s, of which 10 are over
    counter.report(order)
    ended = counter.seen(order.id)
    assert ended is not None
    assert ended.estimate is None


def test_an_estimate_costs_no_call() -> None:
    """Nor does it cost one to place the order."""
    counter = Counter()
    order = counter.order()
    counter.sidecar.calls.clear()
    counter.seen(order.id)
    assert counter.kinds() == ["read", "read"]


def test_a_sweep_whose_paces_are_not_confirmed_has_done_its_work() -> None:
    counter = Counter()
    order = counter.order()
    counter.report(order)
    counter.lose('"paces"', "/paces")
    counter.sweep()
    assert counter.is_settled(order)
    assert counter.open_entries() == []
