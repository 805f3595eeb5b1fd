"""The numbers that orders are called out by: short, and no two alike that are called out."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.index import REST_MS, Entry, Index, Indexes, Place
from coffeeshop.transport import Call, NoAnswer
from counter.numbers import TURNS, number
from example_counter import Counter
from fake_sidecar import FakeSidecar
from test_index import indexes_over, slots

HOUR = 3_600_000


async def given_numbers(
    fake: FakeSidecar, indexes: Indexes, index: Index, entries: list[Entry]
) -> list[int]:
    """Of entries that are added one after the other."""
    found = []
    for entry in entries:
        places = await indexes.add(entry, await slots(fake, indexes, index), lambda: True)
        found.append(number(index, places[index]))
    return found


def at(*times: int) -> list[Entry]:
    return [Entry(time, f"{place:05}") for place, time in enumerate(times)]


def numbers_of(entries: list[Entry], shards: int = 32, seed: int = 0) -> list[int]:
    fake = FakeSidecar()
    indexes = indexes_over(fake, seed)
    return asyncio.run(given_numbers(fake, indexes, Index("all", shards), entries))


@given(st.integers(0, 1_000))
def test_of_a_hundred_orders_at_once_no_two_have_the_same_number(seed: int) -> None:
    """W18, G20."""
    found = numbers_of(at(*range(100)), seed=seed)
    assert len(set(found)) == 100
    assert max(found) < 1_000


def test_the_numbers_of_a_shard_come_again_after_all_others_of_it() -> None:
    found = numbers_of(at(*range(2 * TURNS)), shards=1)
    assert found == [*range(1, TURNS + 1)] * 2


@given(st.lists(st.integers(0, 3 * HOUR), min_size=20, max_size=60), st.integers(0, 9))
def test_orders_with_the_same_number_are_eight_hours_apart(pauses: list[int], seed: int) -> None:
    times = [sum(pauses[:n]) for n in range(len(pauses))]
    last: dict[int, int] = {}
    for time, found in zip(times, numbers_of(at(*times), shards=4, seed=seed), strict=True):
        assert time - last.get(found, -REST_MS) >= REST_MS
        last[found] = time


def test_a_shard_that_rested_begins_with_its_first_number() -> None:
    assert numbers_of(at(0, 1, REST_MS, REST_MS + 1, 2 * REST_MS + 1), shards=1) == [1, 2, 3, 4, 1]


@pytest.mark.parametrize("later", [0, 1, 5])
def test_an_entry_whose_confirmation_is_lost_has_the_number_of_its_place(later: int) -> None:
    """Also when others were added behind it meanwhile."""
    fake, index = FakeSidecar(), Index("all", 1)
    indexes = indexes_over(fake)

    async def scene() -> list[int]:
        first = await given_numbers(fake, indexes, index, at(0, 1))
        chosen = await slots(fake, indexes, index)
        fake.after = lose
        places = await indexes.add(Entry(2, "mine"), chosen, lambda: True)
        return [*first, number(index, places[index])]

    def lose(_call: Call) -> None:
        fake.after = lambda _: None
        head = fake.document("all-0")
        entries = [[3 + n, f"later {n}"] for n in range(later)]
        head["entries"] += entries
        fake.put("all-0", {**head, "turns": head["turns"] + later})
        raise NoAnswer("lost")

    assert asyncio.run(scene()) == [1, 2, 3]


def test_a_head_of_a_release_without_numbers_begins_with_the_first() -> None:
    fake, index = FakeSidecar({"all-0": {"number": 4, "entries": [[0, "old"]]}}), Index("all", 1)
    assert asyncio.run(given_numbers(fake, indexes_over(fake), index, at(1, 2))) == [1, 2]


def test_a_number_tells_its_place() -> None:
    index = Index("all", 32)
    places = [Place(shard, turn) for shard in range(32) for turn in range(TURNS)]
    assert {number(index, place) for place in places} == {*range(1, 32 * TURNS + 1)}


def test_an_orders_number_goes_to_its_stations_with_its_customers_name() -> None:
    counter = Counter()
    order = counter.order()
    assert order.number is not None
    for topic in ("barista_order_placed", "kitchen_order_placed"):
        (event,) = counter.sidecar.events(topic)
        assert (event["number"], event["name"]) == (order.number, "ann")


def test_a_repeated_request_has_the_number_of_the_first() -> None:
    counter = Counter()
    first = counter.place().order.order
    assert counter.place().order.order.number == first.number


def test_a_number_costs_no_call() -> None:
    """The menu and the index, the entries, the order, two stations."""
    counter = Counter()
    counter.order()
    assert len(counter.kinds()) == 6
