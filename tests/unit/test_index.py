"""The index's promise: every entry that was there before page one, exactly once, newest first."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop import parameters
from coffeeshop.index import (
    MAX_OUT_OF_ORDER_MS,
    SEGMENTS,
    Entry,
    Index,
    Indexes,
    Segment,
    ShardHead,
)
from coffeeshop.index_reader import Cursor, IndexReader, ShardCursor, UnknownCursor
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from coffeeshop.transport import Call, NoAnswer
from counter.orders import STORE
from fake_sidecar import FakeSidecar

TOP = Entry(1 << 50, "")


def segments_in(fake: FakeSidecar) -> Store[Segment]:
    return Store(Sidecar(fake, ""), STORE, SEGMENTS)


def indexes_over(fake: FakeSidecar, seed: int = 0) -> Indexes:
    return Indexes(segments_in(fake), random.Random(seed).randrange)


def reader_of(fake: FakeSidecar) -> IndexReader:
    return IndexReader(segments_in(fake))


async def slots(fake: FakeSidecar, indexes: Indexes, *of: Index) -> list[ShardHead]:
    chosen, _ = await indexes.choose_heads(*of, also_from=segments_in(fake))
    return chosen


async def fill(fake: FakeSidecar, indexes: Indexes, index: Index, entries: Sequence[Entry]) -> None:
    for entry in entries:
        await indexes.add(entry, await slots(fake, indexes, index), lambda: True)


def disordered(delays: Sequence[int], pace: int) -> list[Entry]:
    """Entries in the order in which they are added: each is late by its delay, in milliseconds."""
    return [
        Entry(1_000_000 + number * pace + delay, f"{number:04}")
        for number, delay in enumerate(delays)
    ]


async def walk(
    fake: FakeSidecar, indexes: Indexes, index: Index, page: int, later: Sequence[Entry] = ()
) -> list[Entry]:
    """All pages; after each one a few of the `later` entries are added."""
    read: list[Entry] = []
    cursor = Cursor(TOP)
    while True:
        found = await reader_of(fake).before(index, cursor, page)
        read += found.entries[:page]
        if found.is_all and len(found.entries) <= page:
            return read
        cursor = found.after(read[-1])
        await fill(fake, indexes, index, later[:40])
        later = later[40:]


@given(
    st.lists(st.integers(0, MAX_OUT_OF_ORDER_MS - 1), min_size=1, max_size=250),
    st.integers(1, 5),
    st.integers(1, 60),
    st.integers(1, 2000),
)
def test_pages_hold_every_entry_once_newest_first(
    delays: list[int], shards: int, page: int, pace: int
) -> None:
    """G10: whatever the disorder within its bound, the number of shards and the size of a page."""
    entries = disordered(delays, pace)

    async def scenario() -> list[Entry]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", shards)
        await fill(fake, indexes, index, entries)
        return await walk(fake, indexes, index, page)

    assert asyncio.run(scenario()) == sorted(entries, reverse=True)


@given(
    st.lists(st.integers(0, MAX_OUT_OF_ORDER_MS - 1), min_size=150, max_size=400),
    st.integers(1, 150),
    st.integers(1, 3),
    st.integers(1, 2000),
)
def test_what_was_there_before_page_one_is_found_whatever_comes_meanwhile(
    delays: list[int], already: int, shards: int, pace: int
) -> None:
    """G10."""
    entries = disordered(delays, pace)

    async def scenario() -> list[Entry]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", shards)
        await fill(fake, indexes, index, entries[:already])
        return await walk(fake, indexes, index, 20, entries[already:])

    found = asyncio.run(scenario())
    assert found == sorted(set(found), reverse=True)
    assert set(entries[:already]) <= set(found)


def test_writers_at_the_same_moment_lose_nothing() -> None:
    """Each writes to two indexes at once, and most meet a conflict in one of them or in both."""

    async def scenario() -> list[list[Entry]]:
        fake = FakeSidecar()
        indexes = indexes_over(fake)
        both = Index("all", 4), Index("customer", 2)
        entries = [Entry(number, f"{number:03}") for number in range(100)]
        for start in range(0, 100, 5):
            read = [await slots(fake, indexes, *both) for _ in range(5)]
            await asyncio.gather(
                *(
                    indexes.add(entry, chosen, lambda: True)
                    for entry, chosen in zip(entries[start : start + 5], read, strict=True)
                )
            )
        return [await walk(fake, indexes, index, 10) for index in both]

    for found in asyncio.run(scenario()):
        assert len(found) == 100


@given(batches=st.lists(st.integers(1, 70), max_size=8), seed=st.integers(0, 9))
def test_entries_that_are_added_together_are_on_the_pages_once(
    batches: list[int], seed: int
) -> None:
    async def run() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake, seed), Index("all", 4)
        added: list[Entry] = []
        for count in batches:
            some = [Entry(len(added) + n, f"{len(added) + n:04}") for n in range(count)]
            await indexes.add_all(index, some, lambda: True)
            added += some
        assert await walk(fake, indexes, index, 10) == added[::-1]
        heads, _ = await indexes.heads(index, also_from=segments_in(fake), keys=[])
        assert sum(head.value.turns for head in heads.values()) == len(added)

    asyncio.run(run())


def test_entries_that_are_added_together_cost_a_read_and_a_save_for_a_head() -> None:
    async def run() -> None:
        fake = FakeSidecar()
        index = Index("all", 4)
        await indexes_over(fake).add_all(index, [Entry(n, f"{n}") for n in range(32)], lambda: True)
        assert len(fake.calls) == 2

    asyncio.run(run())


@pytest.mark.parametrize("is_lost", [True, False])
def test_of_entries_that_are_added_together_none_is_lost_where_one_was_there(is_lost: bool) -> None:
    """The save meets another attempt's, which has added one of them; or its own, whose
    confirmation was lost."""

    async def run() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 1)
        entries = [Entry(n, f"{n}") for n in range(3)]

        def fails(call: Call) -> None:
            if call.method == "POST" and not call.target.endswith("/bulk"):
                fake.before = fake.after = lambda _: None  # once
                if is_lost:
                    raise NoAnswer("lost")
                fake.put(index.head(0), {"number": 0, "entries": [entries[0]], "turns": 1})

        if is_lost:
            fake.after = fails
        else:
            fake.before = fails
        await indexes.add_all(index, entries, lambda: True)
        assert await walk(fake, indexes, index, 10) == entries[::-1]

    asyncio.run(run())


def test_an_index_that_took_an_entry_is_not_written_again() -> None:
    """Of a save that met a conflict in one index, only that one is tried again."""

    async def scenario() -> int:
        fake = FakeSidecar()
        indexes = indexes_over(fake)
        all_orders, customer = Index("all", 1), Index("customer", 1)
        read = await slots(fake, indexes, all_orders, customer)
        await fill(fake, indexes, all_orders, [Entry(1, "first")])
        await indexes.add(Entry(2, "second"), read, lambda: True)
        assert await walk(fake, indexes, all_orders, 10) == [Entry(2, "second"), Entry(1, "first")]
        return len(fake.document("customer-0")["entries"])

    assert asyncio.run(scenario()) == 1


def test_a_page_costs_the_same_however_much_is_stored() -> None:
    """A call for the first page as for one in the middle, but where a head is nearly new."""

    async def calls(stored: int) -> tuple[int, int]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 2)
        entries = [Entry(number * 1000, f"{number:06}") for number in range(stored)]
        await fill(fake, indexes, index, entries)
        fake.calls.clear()
        found = await reader_of(fake).before(index, Cursor(TOP), 20)
        first = len(fake.calls)
        while found.entries[0].at > stored * 500:
            cursor = found.after(found.entries[19])
            fake.calls.clear()
            found = await reader_of(fake).before(index, cursor, 20)
        return first, len(fake.calls)

    for stored in (1_000, 10_000):
        first, middle = asyncio.run(calls(stored))
        assert first <= 2
        assert middle <= 2


@pytest.mark.parametrize("pace", [10, 1000])
def test_a_page_in_the_middle_of_a_rush_mostly_takes_one_call(pace: int) -> None:
    """A segment says what older ones hold, so that none of them is read to learn that."""

    async def calls() -> list[int]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 32)
        entries = [Entry(number * pace, f"{number:06}") for number in range(4_000)]
        await fill(fake, indexes, index, entries)
        found = await reader_of(fake).before(index, Cursor(TOP), 20)
        counts = []
        for _ in range(100):
            fake.calls.clear()
            found = await reader_of(fake).before(index, found.after(found.entries[19]), 20)
            counts.append(len(fake.calls))
        return counts

    counts = asyncio.run(calls())
    assert max(counts) <= 2
    assert sum(counts) <= 130


def test_segments_of_an_earlier_release_are_read_and_go_on() -> None:
    """They do not say what older ones hold."""
    entries = [Entry(number * 1000, f"{number:04}") for number in range(300)]

    async def scenario() -> list[Entry]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 2)
        await fill(fake, indexes, index, entries[:150])
        for key, (document, _) in fake.documents.items():
            document.pop("newest_older")
            fake.put(key, document)
        await fill(fake, indexes, index, entries[150:])
        return await walk(fake, indexes, index, 20)

    assert asyncio.run(scenario()) == sorted(entries, reverse=True)


def test_an_entry_that_was_added_twice_at_a_segments_begin_leaves_a_cursor_that_works() -> None:
    """A lost confirmation: the head has nothing then that the segment before it has not."""
    rest = "0000-4000-8000-000000000000"
    entries = [Entry(number * 1000, f"{number:08}-{rest}") for number in range(32)]

    async def scenario() -> list[Entry]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 1)
        await fill(fake, indexes, index, [*entries, entries[-1]])
        read, cursor = [], Cursor(TOP)
        while True:
            found = await reader_of(fake).before(index, cursor, 5)
            read += found.entries[:5]
            if found.is_all and len(found.entries) <= 5:
                return read
            text = parameters.encoded(found.after(read[-1]))
            cursor = parameters.cursor({"cursor": text}) or Cursor(TOP)

    assert asyncio.run(scenario()) == entries[::-1]


def test_the_cursor_of_another_index_is_unknown() -> None:
    async def scenario() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 2)
        await fill(fake, indexes, index, [Entry(number, f"{number:03}") for number in range(50)])
        cursor = (await reader_of(fake).before(index, Cursor(TOP), 20)).after(Entry(30, "030"))
        with pytest.raises(UnknownCursor):
            await reader_of(fake).before(Index("customer", 4), cursor, 20)
        never = cursor._replace(marks=(ShardCursor(7, is_head=False),) * 2)
        with pytest.raises(UnknownCursor):
            await reader_of(fake).before(index, never, 20)

    asyncio.run(scenario())


# Clocks that were wrong

DAY_MS = 86_400_000
CLOCKS = st.lists(
    st.tuples(
        st.sampled_from([-3 * DAY_MS, -600_000, 0, 0, 0, 600_000, 3 * DAY_MS]), st.integers(1, 60)
    ),
    min_size=1,
    max_size=8,
)
"""How far the clock is off for so many orders, one after the other."""


def clocked(periods: Sequence[tuple[int, int]], pace: int) -> list[Entry]:
    """Entries in the order in which they are added, by a clock that is set and set again."""
    off = [ahead for ahead, count in periods for _ in range(count)]
    return [
        Entry(10 * DAY_MS + number * pace + ahead, f"{number:04}")
        for number, ahead in enumerate(off)
    ]


@given(CLOCKS, st.integers(1, 5), st.integers(1, 60), st.integers(1, 60_000))
def test_pages_hold_every_entry_once_whatever_the_clock_said(
    periods: list[tuple[int, int]], shards: int, page: int, pace: int
) -> None:
    """With its own time beside it, by which an order knows its entry."""
    entries = clocked(periods, pace)

    async def scenario() -> list[Entry]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", shards)
        await fill(fake, indexes, index, entries)
        read: list[Entry] = []
        counted: list[Entry] = []
        cursor = Cursor(TOP)
        while True:
            found = await reader_of(fake).before(index, cursor, page)
            shown = found.entries[:page]
            counted += shown
            read += [Entry(found.time_of(each), each.id) for each in shown]
            if found.is_all and len(found.entries) <= page:
                assert counted == sorted(counted, reverse=True)
                return read
            cursor = found.after(shown[-1])

    found = asyncio.run(scenario())
    assert len(found) == len(set(found))
    assert set(found) == set(entries)


@pytest.mark.parametrize("since", [0, 5, 40, 400])
def test_an_order_of_a_clock_that_was_ahead_is_among_those_of_its_hour(since: int) -> None:
    """It is on the page of what came after it, not above all for three days, and not lost."""
    minute = 60_000
    old = [Entry(10 * DAY_MS + n * minute, f"old-{n:04}") for n in range(60)]
    odd = Entry(13 * DAY_MS + 60 * minute, "odd")
    new = [Entry(10 * DAY_MS + (61 + n) * minute, f"new-{n:04}") for n in range(since)]

    async def scenario() -> list[str]:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 1)
        await fill(fake, indexes, index, [*old, odd, *new])
        return [entry.id for entry in await walk(fake, indexes, index, 20)]

    found = asyncio.run(scenario())
    place = found.index("odd")
    # It counts for up to five seconds more than what follows it.
    assert place in (since, since - 1)
    assert found[:place] + found[place + 1 :] == [e.id for e in (*old, *new)][::-1]


def test_a_clock_that_was_ahead_costs_no_more_calls() -> None:
    async def calls() -> int:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 2)
        odd = [Entry(13 * DAY_MS + n, f"odd-{n:04}") for n in range(200)]
        new = [Entry(10 * DAY_MS + n * 1000, f"new-{n:04}") for n in range(2_000)]
        await fill(fake, indexes, index, [*odd, *new])
        fake.calls.clear()
        await reader_of(fake).before(index, Cursor(TOP), 20)
        return len(fake.calls)

    assert asyncio.run(calls()) <= 2
