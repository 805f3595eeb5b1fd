"""The index's promise: every entry that was there before page one, exactly once, newest first."""

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from coffeeshop.sidecar import Sidecar, Store
from counter.index import DISORDER_MS, Entry, Index, Segment
from fake_sidecar import FakeSidecar

TOP = Entry(1 << 50, "")


def index_over(fake: FakeSidecar, shards: int, seed: int = 0) -> Index:
    store = Store(Sidecar(fake, ""), "store", TypeAdapter(Segment))
    return Index(store, "all", shards, random.Random(seed).randrange)


async def fill(index: Index, entries: list[Entry]) -> None:
    for entry in entries:
        await index.add(entry, await index.slot(), lambda: True)


async def walk(index: Index, page: int) -> list[Entry]:
    read: list[Entry] = []
    limit = TOP
    while True:
        entries, is_all = await index.before(limit, page)
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
        index = index_over(FakeSidecar(), shards)
        await fill(index, entries)
        return await walk(index, page)

    assert asyncio.run(scenario()) == sorted(entries, reverse=True)


def test_writers_at_the_same_moment_lose_nothing() -> None:
    async def scenario() -> list[Entry]:
        index = index_over(FakeSidecar(), 4)
        entries = [Entry(number, f"{number:03}") for number in range(100)]
        for start in range(0, 100, 5):
            slots = [await index.slot() for _ in range(5)]
            await asyncio.gather(
                *(
                    index.add(entry, slot, lambda: True)
                    for entry, slot in zip(entries[start : start + 5], slots, strict=True)
                )
            )
        return await walk(index, 10)

    assert len(asyncio.run(scenario())) == 100


def test_a_page_costs_the_same_however_much_is_stored() -> None:
    """Calls for the first page and for a page in the middle: constant, and logarithmic."""

    async def calls(stored: int) -> tuple[int, int]:
        fake = FakeSidecar()
        index = index_over(fake, 2)
        await fill(index, [Entry(number * 1000, f"{number:06}") for number in range(stored)])
        fake.calls = 0
        await index.before(TOP, 20)
        first, fake.calls = fake.calls, 0
        await index.before(Entry(stored * 500, ""), 20)
        return first, fake.calls

    small, large = asyncio.run(calls(1_000)), asyncio.run(calls(10_000))
    assert large[0] <= small[0] + 1
    assert large[1] <= small[1] + 4
