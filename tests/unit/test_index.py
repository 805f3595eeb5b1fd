"""The index's promise: every entry that was there before page one, exactly once, newest first."""

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from coffeeshop.sidecar import Sidecar, Store
from counter.index import DISORDER_MS, Entry, Index, Indexes, Segment
from fake_sidecar import FakeSidecar

TOP = Entry(1 << 50, "")


def indexes_over(fake: FakeSidecar, seed: int = 0) -> Indexes:
    store = Store(Sidecar(fake, ""), "store", TypeAdapter(Segment))
    return Indexes(store, random.Random(seed).randrange)


async def fill(indexes: Indexes, index: Index, entries: list[Entry]) -> None:
    for entry in entries:
        await indexes.add(entry, await indexes.slots(index), lambda: True)


async def walk(indexes: Indexes, index: Index, page: int) -> list[Entry]:
    read: list[Entry] = []
    limit = TOP
    while True:
        entries, is_all = await indexes.before(index, limit, page)
        read += entries[:page]
        if is_all and len(entries) <= page:
            return read
        limit = read[-1]


@given(
    st.lists(st.integers(0, DISORDER_MS - 1), min_size=1, max_size=250),
    st.integers(1, 5),
    st.integers(1, 60),
    st.integers(1, 2000),
)
def test_pages_hold_every_entry_once_newest_first(
    delays: list[int], shards: int, page: int, pace: int
) -> None:
    """Whatever the disorder within its bound, the number of shards and the size of a page."""
    entries = [
        Entry(1_000_000 + number * pace + delay, f"{number:04}")
        for number, delay in enumerate(delays)
    ]

    async def scenario() -> list[Entry]:
        indexes, index = indexes_over(FakeSidecar()), Index("all", shards)
        await fill(indexes, index, entries)
        return await walk(indexes, index, page)

    assert asyncio.run(scenario()) == sorted(entries, reverse=True)


def test_writers_at_the_same_moment_lose_nothing() -> None:
    """Each writes to two indexes at once, and most meet a conflict in one of them or in both."""

    async def scenario() -> list[list[Entry]]:
        indexes = indexes_over(FakeSidecar())
        both = Index("all", 4), Index("customer", 2)
        entries = [Entry(number, f"{number:03}") for number in range(100)]
        for start in range(0, 100, 5):
            slots = [await indexes.slots(*both) for _ in range(5)]
            await asyncio.gather(
                *(
                    indexes.add(entry, chosen, lambda: True)
                    for entry, chosen in zip(entries[start : start + 5], slots, strict=True)
                )
            )
        return [await walk(indexes, index, 10) for index in both]

    for found in asyncio.run(scenario()):
        assert len(found) == 100


def test_an_index_that_took_an_entry_is_not_written_again() -> None:
    """Of a save that met a conflict in one index, only that one is tried again."""

    async def scenario() -> int:
        fake = FakeSidecar()
        indexes = indexes_over(fake)
        all_orders, customer = Index("all", 1), Index("customer", 1)
        slots = await indexes.slots(all_orders, customer)
        await fill(indexes, all_orders, [Entry(1, "first")])
        await indexes.add(Entry(2, "second"), slots, lambda: True)
        assert await walk(indexes, all_orders, 10) == [Entry(2, "second"), Entry(1, "first")]
        document, _ = fake.documents["customer-0"]
        return len(document["entries"])

    assert asyncio.run(scenario()) == 1


def test_a_page_costs_the_same_however_much_is_stored() -> None:
    """Calls for the first page and for a page in the middle: constant, and logarithmic."""

    async def calls(stored: int) -> tuple[int, int]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 2)
        entries = [Entry(number * 1000, f"{number:06}") for number in range(stored)]
        await fill(indexes, index, entries)
        fake.calls = 0
        await indexes.before(index, TOP, 20)
        first, fake.calls = fake.calls, 0
        await indexes.before(index, Entry(stored * 500, ""), 20)
        return first, fake.calls

    small, large = asyncio.run(calls(1_000)), asyncio.run(calls(10_000))
    assert large[0] <= small[0] + 1
    assert large[1] <= small[1] + 4
