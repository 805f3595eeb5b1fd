"""Indexes over orders, newest first, for a store that cannot scan.

An index has a few shards. A shard is a chain of numbered segments of at most `SEGMENT_SIZE`
entries; the newest stands under the shard's own key, its head, and is changed by ETag. A full head
is copied to its numbered key, where it never changes again, and a new one begins with its last
entries, so that a first page seldom needs more than the heads. After a conflict a writer takes
another shard, so that writers do not queue. An entry goes to several indexes in one read and one
save: each call to the sidecar costs more than what it carries.

Promise: every order that was acknowledged before a reader asked for page one is in its pages,
exactly once. What is in the index but is no order of the reader's (a request that died before
its order was saved, a key that was reused) is for the reader to drop. How pages are read is in
`coffeeshop.index_reader`. The turns of a shard tell its entries apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter

from coffeeshop.store import ATTEMPTS, Save, Store, Stored
from coffeeshop.transport import ServiceUnavailable

SEGMENT_SIZE = 32
HEAD_OVERLAP = 10
"""Entries of a full head with which the next one begins."""
MAX_OUT_OF_ORDER_MS = 5_000
"""Entries of one shard are sorted by their times, except for this much: an order is saved
within 2 s of its time or not at all, and the clocks of two replicas may differ by 3 s."""
REST_MS = 8 * 60 * 60 * 1000
"""A shard that got no entry for this long counts its turns from 0 again."""

T = TypeVar("T")


class Entry(NamedTuple):
    """`at` is milliseconds since 1970, the order's `placed_at`."""

    at: int
    id: str


@dataclass(frozen=True, slots=True)
class Segment:
    """`entries` are pairs as `Entry` has them: most of those that are read nobody looks at."""

    number: int
    entries: tuple[tuple[int, str], ...]
    turns: int = 0
    """How many entries the shard got since it rested."""
    newest_older: int | None = None
    """The newest time in older segments, without the entries with which this one begins. None where
    an earlier release wrote them."""

    def turn(self, at: int) -> int:
        """Of the next entry, which is of this time."""
        return 0 if at - self.entries[-1][0] >= REST_MS else self.turns

    def successor(self) -> "Segment":
        """What the segment after this one begins with, when this one is full."""
        older = self.newest_older if self.number else 0
        left = self.entries[:-HEAD_OVERLAP]
        newest = None if older is None else max(older, max(left)[0])
        return Segment(self.number + 1, self.entries[-HEAD_OVERLAP:], self.turns, newest)

    def without(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those of the entries that are not in it."""
        there = set(self.entries)
        return [entry for entry in entries if entry not in there]


SEGMENTS = TypeAdapter(Segment)


class Place(NamedTuple):
    """Where an entry stands: in which shard, and how many came there before it since the shard
    rested. No other entry has its place, but after a rest."""

    shard: int
    turn: int


class Position(NamedTuple):
    """How far a shard was read: in the segment of this number, so many entries."""

    number: int
    length: int


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Index:
    """One index. `name` begins its keys."""

    name: str
    shards: int

    def head(self, shard: int) -> str:
        """The key of a shard's newest segment."""
        return f"{self.name}-{shard}"

    def heads(self) -> list[str]:
        """The keys of all shards' newest segments."""
        return [self.head(shard) for shard in range(self.shards)]

    def key(self, shard: int, number: int) -> str:
        """The key of a segment that is full."""
        return f"{self.name}-{shard}-{number}"


@dataclass(frozen=True, slots=True)
class ShardHead:
    """A shard that was chosen for an entry, with its head as it was read."""

    index: Index
    shard: int
    head: Stored[Segment] | None

    @property
    def key(self) -> str:
        return self.index.head(self.shard)


class Indexes:
    """The indexes of a store."""

    def __init__(self, store: Store[Segment], choose: Callable[[int], int]) -> None:
        self._store = store
        self._choose = choose

    async def choose_heads(
        self, *indexes: Index, also_from: Store[T], keys: Sequence[str] = ()
    ) -> tuple[list[ShardHead], dict[str, Stored[T]]]:
        """Any shard of each index, to add to later, and other documents of the same state store,
        in one call. Raises `ServiceUnavailable`."""
        chosen = self._any_shards(indexes)
        heads, others = await self._store.get_with([slot.key for slot in chosen], also_from, keys)
        return [replace(slot, head=heads.get(slot.key)) for slot in chosen], others

    async def heads(
        self, index: Index, *, also_from: Store[T], keys: Sequence[str]
    ) -> tuple[dict[str, Stored[Segment]], dict[str, Stored[T]]]:
        """All heads of an index by their keys, and other documents of the same state store, in one
        call. Raises `ServiceUnavailable`."""
        return await self._store.get_with(index.heads(), also_from, keys)

    def _any_shards(self, indexes: Iterable[Index]) -> list[ShardHead]:
        return [ShardHead(index, self._choose(index.shards), None) for index in indexes]

    async def add(
        self, entry: Entry, slots: list[ShardHead], in_time: Callable[[], bool]
    ) -> dict[Index, Place]:
        """Add the entry to the index of each slot, trying other shards while it is in time. Returns
        where it stands. Raises `ServiceUnavailable` if that is not confirmed."""
        places: dict[Index, Place] = {}
        for _ in range(ATTEMPTS):
            saves = [await self._with([entry], slot) for slot in slots]
            if await self._store.save_all(saves):
                for slot, save in zip(slots, saves, strict=True):
                    places[slot.index] = Place(slot.shard, save.value.turns - 1)
                return places
            if not in_time():
                break
            took, slots = await self._others(entry, slots)
            places |= took
            if not slots:
                return places
        raise ServiceUnavailable("The index is too busy.")

    async def add_all(
        self, index: Index, entries: Sequence[Entry], in_time: Callable[[], bool]
    ) -> None:
        """Add the entries, as many in one save as a head has room for, trying other shards while it
        is in time. Raises `ServiceUnavailable` if that is not confirmed of all."""
        left = entries
        while left:
            (slot,) = self._any_shards([index])
            heads = await self._store.get_many([slot.key])
            left = await self._add_some(left, replace(slot, head=heads.get(slot.key)), in_time)

    async def _add_some(
        self, entries: Sequence[Entry], slot: ShardHead, in_time: Callable[[], bool]
    ) -> Sequence[Entry]:
        """Add the first of the entries with one save. Returns those that are not there then."""
        for _ in range(ATTEMPTS):
            save = await self._with(entries, slot)
            if await self._store.save_all([save]):
                return save.value.without(entries)
            if not in_time():
                break
            (other,) = self._any_shards([slot.index])
            heads = await self._store.get_many(list(dict.fromkeys([slot.key, other.key])))
            # The confirmation may be lost, or another attempt was faster with some of them.
            there = heads.get(slot.key)
            if there and len(left := there.value.without(entries)) < len(entries):
                return left
            slot = replace(other, head=heads.get(other.key))
        raise ServiceUnavailable("The index is too busy.")

    async def _with(self, entries: Sequence[Entry], slot: ShardHead) -> Save[Segment]:
        """The head with the entries, or the first of them that it has room for; a full one makes
        room first, once: what is not saved as a head must not be copied as one."""
        if slot.head is None:
            first = tuple(entries[:SEGMENT_SIZE])
            return Save(slot.key, Segment(0, first, len(first)))
        segment = slot.head.value
        if len(segment.entries) >= SEGMENT_SIZE:
            # Every copy of a full head is the same: one that exists already is as good.
            await self._store.create(slot.index.key(slot.shard, segment.number), segment)
            segment = segment.successor()
        added = entries[: SEGMENT_SIZE - len(segment.entries)]
        turns = segment.turn(added[0].at) + len(added)
        grown = replace(segment, entries=(*segment.entries, *added), turns=turns)
        return Save(slot.key, grown, slot.head.etag)

    async def _others(
        self, entry: Entry, slots: list[ShardHead]
    ) -> tuple[dict[Index, Place], list[ShardHead]]:
        """Where the entry stands after all, and other shards instead of those that did not take
        it."""
        others = self._any_shards(slot.index for slot in slots)
        heads = await self._store.get_many(
            list(dict.fromkeys(slot.key for slot in (*slots, *others)))
        )

        places: dict[Index, Place] = {}
        left: list[ShardHead] = []
        for slot, other in zip(slots, others, strict=True):
            head = heads.get(slot.key)
            if head is not None and entry in head.value.entries:
                after = len(head.value.entries) - head.value.entries.index(entry)
                places[slot.index] = Place(slot.shard, head.value.turns - after)
            else:
                left.append(replace(other, head=heads.get(other.key)))
        return places, left

    async def since(
        self,
        index: Index,
        positions: Sequence[Position],
        heads: Mapping[str, Stored[Segment]],
        room: int,
    ) -> tuple[list[Entry], tuple[Position, ...]]:
        """The entries that were added behind the positions, at most about `room`, and the positions
        behind them. Nothing is ever added before a position. Raises `ServiceUnavailable`."""
        reached = list(positions) or [Position(0, 0)] * index.shards
        full: dict[int, list[str]] = {}
        for shard in range(index.shards):
            if head := heads.get(index.head(shard)):
                end = min(head.value.number, reached[shard].number + room // SEGMENT_SIZE)
                full[shard] = [index.key(shard, n) for n in range(reached[shard].number, end)]
                room -= SEGMENT_SIZE * len(full[shard])
        stored = await self._store.get_many([key for keys in full.values() for key in keys])
        found: list[Entry] = []
        for shard, keys in full.items():
            if any(key not in stored for key in keys):
                raise ServiceUnavailable("A part of the index is missing.")
            segments = [stored[key].value for key in keys]
            head_ = heads[index.head(shard)].value
            if reached[shard].number + len(keys) == head_.number:
                segments.append(head_)
            known: Sequence[tuple[int, str]] = ()
            for segment in segments:
                # A segment begins with the last entries of the one before it.
                skipped = reached[shard].length if segment.number == reached[shard].number else 0
                fresh = [e for e in segment.entries[skipped:] if e not in known]
                found += [Entry(*entry) for entry in fresh]
                known = segment.entries
            if segments:
                reached[shard] = Position(segments[-1].number, len(segments[-1].entries))
        return found, tuple(reached)
