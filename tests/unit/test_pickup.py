"""What is called out: every order that its customer waits for, and no other."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.contracts import ItemStatus, Station
from coffeeshop.environment import Environment
from coffeeshop.settings import Settings
from coffeeshop.sidecar import Sidecar
from counter import pickup as module
from counter.documents import Collection, Order
from counter.pickup import (
    CALLED,
    SHOWN,
    NothingReady,
    Pickup,
    PickupBoard,
    UnknownOrder,
    pickup,
)
from counter.view import OrderView, view
from counter.wire import pickup as wired
from example_counter import Counter
from example_orders import later, placed, report, settled, under_way

B, K = Station.BARISTA, Station.KITCHEN
FAILED, CANCELLED = ItemStatus.FAILED, ItemStatus.CANCELLED
TWENTY = timedelta(minutes=20)


def ids(*names: str) -> list[str]:
    return [f"00000000-0000-4000-8000-{name:>012}" for name in names]


def named(seen: Sequence[OrderView]) -> list[str]:
    return [each.order.id for each in seen]


def order(name: str, at: float = 0) -> Order:
    """An order of a coffee and a croissant."""
    made, (order_id,) = placed([1], [7]), ids(name)
    items = tuple(replace(i, id=f"{order_id}-{n}") for n, i in enumerate(made.items, 1))
    return replace(made, id=order_id, items=items, placed_at=later(at))


def ended(name: str, at: float, **statuses: ItemStatus) -> OrderView:
    one = order(name)
    return view(settled(one, *(report(one, s, later(at), **statuses) for s in (B, K))), {})


# The decision


def test_open_orders_are_in_preparation_the_oldest_first() -> None:
    begun = view(order("b", 2), {B: report(order("b"), B)})
    seen = [begun, view(order("c", 3), {}), view(order("a", 1), {})]
    called = pickup(seen, (), later(60), TWENTY)
    assert (named(called.in_preparation), called.ready) == (ids("a", "b", "c"), [])


def test_ready_orders_are_called_out_the_newest_first() -> None:
    seen = [ended("a", 10), ended("b", 30, _1=FAILED), ended("c", 20)]
    called = pickup(seen, (), later(60), TWENTY)
    assert (called.in_preparation, named(called.ready)) == ([], ids("b", "c", "a"))


@pytest.mark.parametrize("status", [FAILED, CANCELLED])
def test_an_order_of_which_nothing_is_ready_is_not_called_out(status: ItemStatus) -> None:
    seen = ended("a", 10, _1=status, _2=status)
    assert pickup([seen], (), later(60), TWENTY) == Pickup([], [])


def test_an_order_that_was_collected_is_not_called_out() -> None:
    seen = [ended("a", 10), ended("b", 20)]
    assert named(pickup(seen, ids("a"), later(60), TWENTY).ready) == ids("b")


def test_a_ready_order_is_called_out_for_some_time() -> None:
    seen = [ended("a", 10)]
    assert named(pickup(seen, (), later(10 + 1_199), TWENTY).ready) == ids("a")
    assert pickup(seen, (), later(10 + 1_200), TWENTY).ready == []
    assert pickup(seen, (), later(10 + 60), timedelta(minutes=1)).ready == []


def test_no_order_is_called_out_for_longer_than_its_number_is_its_own() -> None:
    seen = [view(order("a"), {})]
    almost = (CALLED - timedelta(seconds=1)).total_seconds()
    assert named(pickup(seen, (), later(almost), TWENTY).in_preparation) == ids("a")
    assert pickup(seen, (), later(CALLED.total_seconds()), TWENTY).in_preparation == []


def test_a_wall_has_room_for_a_hundred_of_each() -> None:
    waiting = [view(order(f"{n:03}", n), {}) for n in range(SHOWN + 9)]
    ready = [ended(f"f{n:03}", n) for n in range(SHOWN + 9)]
    called = pickup([*waiting, *ready], (), later(200), TWENTY)
    assert named(called.in_preparation) == ids(*(f"{n:03}" for n in range(SHOWN)))
    assert named(called.ready) == ids(*(f"f{n:03}" for n in reversed(range(9, SHOWN + 9))))


@given(st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), max_size=20), st.integers(0, 4000))
def test_each_order_is_called_out_once_at_most(times: list[tuple[int, bool]], now: int) -> None:
    seen = [
        ended(str(n), at) if is_ended else view(order(str(n), at), {})
        for n, (at, is_ended) in enumerate(times)
    ]
    called = pickup(seen, (), later(now), TWENTY)
    names = named([*called.in_preparation, *called.ready])
    assert len(names) == len(set(names))


# What is read


class Wall(Counter):
    """A counter with a board on its wall."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.board = self.another()

    def another(self) -> PickupBoard:
        async def sleep(_: float) -> None:
            return

        env = Environment(Settings(), self.sidecar, lambda: self.now, lambda _: b"", sleep)
        return PickupBoard(Sidecar(self.sidecar, ""), env)

    def look(self) -> tuple[list[str], list[str]]:
        """Called out as in preparation, and as ready: remembered or not, the same."""
        called = asyncio.run(self.board.look())
        fresh = asyncio.run(self.another().look())
        assert wired(called) == wired(fresh)
        return named(called.in_preparation), named(called.ready)

    def collect(self, order_id: str) -> Collection:
        return asyncio.run(self.another().collect(order_id))


def test_an_order_is_called_out_from_its_placing_until_it_is_collected() -> None:
    """G21."""
    wall = Wall()
    assert wall.look() == ([], [])
    first, second = wall.order(), wall.order()
    both = sorted([first.id, second.id])
    assert sorted(wall.look()[0]) == both
    wall.report(first, B)
    assert sorted(wall.look()[0]) == both
    wall.report(first, K)
    assert wall.look() == ([second.id], [first.id])
    wall.sweep()
    assert wall.look() == ([second.id], [first.id])
    wall.collect(first.id)
    assert wall.look() == ([second.id], [])


def test_a_settled_order_is_read_once() -> None:
    wall = Wall()
    one = wall.order()
    wall.report(one)
    wall.sweep()
    wall.look()
    before = len(wall.sidecar.calls)
    asyncio.run(wall.board.look())
    assert len(wall.sidecar.calls) - before == 3  # the index, the sweep's open orders, collections


def test_an_old_open_order_is_called_out_though_many_came_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 3)
    wall = Wall()
    old = wall.order()
    wall.report(old, B, final=False)
    wall.sweep()
    for _ in range(5):
        wall.report(wall.order())
        wall.later(0.01)
    assert wall.look()[0] == [old.id]


def test_an_order_is_collected_once() -> None:
    wall = Wall()
    one = wall.order()
    wall.report(one)
    first = wall.collect(one.id)
    wall.later(5)
    assert wall.collect(one.id) == first


def test_what_is_not_ready_cannot_be_collected() -> None:
    """W19."""
    wall = Wall()
    one = wall.order()
    wall.report(one, B)
    with pytest.raises(NothingReady):
        wall.collect(one.id)
    wall.report(one, K, statuses={one.items[1].id: FAILED})
    assert wall.collect(one.id).collected_at == wall.now
    failed = wall.order([], [7])
    wall.report(failed, statuses={failed.items[0].id: FAILED})
    with pytest.raises(NothingReady):
        wall.collect(failed.id)


def test_an_order_that_is_not_there_cannot_be_collected_and_may_still_be_placed() -> None:
    wall = Wall()
    with pytest.raises(UnknownOrder):
        wall.collect("00000000-0000-4000-8000-000000000009")
    assert wall.record("00000000-0000-4000-8000-000000000009") is None


def test_an_order_in_preparation_says_how_many_of_its_items_are_ready() -> None:
    one = order("a")
    seen = view(one, {B: report(one, B), K: under_way(one, K, 1)})
    document = wired(pickup([seen], (), later(9), TWENTY))
    assert b'"items":2,"readyItems":1' in document
    assert b'"readyAt":null' in document
