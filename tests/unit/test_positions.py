"""How the sweep reads an index: by positions, behind which nothing is missed (W12)."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.index import SEGMENT_SIZE, Entry, Index, Indexes, Position
from coffeeshop.transport import ServiceUnavailable
from fake_sidecar import FakeSidecar
from test_index import fill, indexes_over, segments_in

ENOUGH = 100_000
runs = st.lists(st.integers(0, 90), min_size=1, max_size=6)
"""How many entries are added between two reads."""


def entries(first: int, count: int) -> list[Entry]:
    return [Entry(number, f"{number:05}") for number in range(first, first + count)]


async def since(
    fake: FakeSidecar,
    indexes: Indexes,
    index: Index,
    positions: Sequence[Position],
    room: int = ENOUGH,
) -> tuple[list[Entry], tuple[Position, ...]]:
    heads, _ = await indexes.heads(index, also_from=segments_in(fake), keys=[])
    return await indexes.since(index, positions, heads, room)


@given(runs, st.integers(1, 5), st.integers(0, 1_000))
def test_every_entry_is_read_once_whenever_it_is_added(
    run: list[int], shards: int, seed: int
) -> None:
    """W12, G11, over any number of shards and whatever they hold: each read finds what came since
    the one before it, and the same positions find the same again."""

    async def scenario() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake, seed), Index("all", shards)
        positions: tuple[Position, ...] = ()
        added = 0
        for count in run:
            new = entries(added, count)
            added += count
            await fill(fake, indexes, index, new)
            found, then = await since(fake, indexes, index, positions)
            again, _ = await since(fake, indexes, index, positions)
            assert sorted(found) == sorted(again) == new
            positions = then

    asyncio.run(scenario())


@given(runs, st.integers(1, 5), st.integers(0, 300), st.integers(0, 1_000))
def test_a_read_takes_no_more_than_there_is_room_for(
    run: list[int], shards: int, room: int, seed: int
) -> None:
    """W12: what a sweep remembers is bounded. A head is taken whole, so that a read is above the
    room by a head of each shard at most, and never takes an entry twice."""

    async def scenario() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake, seed), Index("all", shards)
        positions: tuple[Position, ...] = ()
        read: Counter[Entry] = Counter()
        added = 0
        for count in run:
            await fill(fake, indexes, index, entries(added, count))
            added += count
            found, positions = await since(fake, indexes, index, positions, room)
            assert len(found) <= room + shards * SEGMENT_SIZE
            read.update(found)
        found, _ = await since(fake, indexes, index, positions)
        read.update(found)
        assert read == Counter(entries(0, added))

    asyncio.run(scenario())


@given(st.integers(0, 400), st.integers(1, 4), st.integers(0, 1_000))
def test_little_room_still_comes_to_the_end(stored: int, shards: int, seed: int) -> None:
    """W12: room for two segments is enough to catch up with any backlog."""

    async def scenario() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake, seed), Index("all", shards)
        await fill(fake, indexes, index, entries(0, stored))
        positions: tuple[Position, ...] = ()
        read: list[Entry] = []
        for _ in range(stored // 20 + shards + 1):
            found, positions = await since(fake, indexes, index, positions, 2 * SEGMENT_SIZE)
            read += found
        assert sorted(read) == entries(0, stored)

    asyncio.run(scenario())


def test_a_segment_that_is_missing_is_an_answer_to_wait_for() -> None:
    """W12: never a reason to go on behind it."""

    async def scenario() -> None:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 1)
        await fill(fake, indexes, index, entries(0, 60))
        fake.remove("all-0-0")
        with pytest.raises(ServiceUnavailable):
            await since(fake, indexes, index, ())

    asyncio.run(scenario())


def test_where_nothing_was_added_the_heads_are_all_that_is_read() -> None:
    """A sweep of a shop in which nothing happens costs one call."""

    async def scenario() -> int:
        fake = FakeSidecar()
        indexes, index = indexes_over(fake), Index("all", 4)
        await fill(fake, indexes, index, entries(0, 500))
        _, positions = await since(fake, indexes, index, ())
        fake.calls.clear()
        assert await since(fake, indexes, index, positions) == ([], positions)
        return len(fake.calls)

    assert asyncio.run(scenario()) == 1
