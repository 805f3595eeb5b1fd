"""Reading an index, newest first: pages, and cursors that say where the next one begins.

A page costs the same however deep it is: its cursor says in which segments it goes on.

A clock that was wrong leaves times that are far ahead of those after them in their shard. Such an
entry counts as if it were about as old as what follows it: else it would be newer than every page
that reaches its segment, and in none. Where clocks are right all count as what they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from coffeeshop.index import HEAD_OVERLAP, MAX_OUT_OF_ORDER_MS, Entry, Index, Segment
from coffeeshop.store import Store
from coffeeshop.transport import ServiceUnavailable

UNLIMITED = 1 << 60


class ShardCursor(NamedTuple):
    """Where a reader is in a shard: at the segment of this number, which was the head, or not.
    Below 0 it has read all. No entry from there on counts for more than `ceiling`."""

    number: int
    is_head: bool
    ceiling: int | None = None


class Cursor(NamedTuple):
    """Where a reader goes on: below an entry, and in each shard at a mark; without marks at the
    heads."""

    limit: Entry
    marks: tuple[ShardCursor, ...] = ()


class UnknownCursor(Exception):
    """No page of this index gave this cursor."""


class IndexReader:
    """Reads the indexes of a store."""

    def __init__(self, store: Store[Segment]) -> None:
        self._store = store

    async def before(self, index: Index, cursor: Cursor, count: int) -> "EntryPage":
        """The newest entries below the cursor's limit, at least `count` unless there are fewer.
        Raises `UnknownCursor` and `ServiceUnavailable`."""
        if cursor.marks and len(cursor.marks) != index.shards:
            raise UnknownCursor
        readers = await self._readers(index, cursor.marks)
        while True:
            read = {e for reader in readers.values() for e in reader.entries if e < cursor.limit}
            own = {entry: at for reader in readers.values() for entry, at in reader.own.items()}
            if own:  # in two shards the same entry may count for two times
                read = set({(own.get(e, e[0]), e[1]): e for e in sorted(read)}.values())
            found = sorted(read, reverse=True)
            enough = found[count - 1][0] if len(found) >= count else -1
            behind = [w for w in readers.values() if w.number > 0 and w.bound >= enough]
            if not behind:
                unread = max((w.bound for w in readers.values() if w.number > 0), default=-1)
                entries = [Entry(*entry) for entry in found if entry[0] > unread]
                marks = cursor.marks or (ShardCursor(0, is_head=True),) * index.shards
                return EntryPage(entries, unread < 0, own, marks, readers)
            await self._extend(behind)

    async def _readers(
        self, index: Index, marks: Sequence[ShardCursor]
    ) -> dict[int, "_ShardReader"]:
        """A walk through each shard that has unread entries: from its mark, or from its head."""
        numbered = enumerate(marks)
        full = {n: index.key(n, mark.number) for n, mark in numbered if mark.number >= 0}
        heads = {n: index.head(n) for n in range(index.shards) if not marks or marks[n].is_head}
        stored = await self._store.get_many([*heads.values(), *full.values()])
        readers = {}
        for shard in range(index.shards):
            ceiling = marks[shard].ceiling if marks else None
            if segment := stored.get(full.get(shard, "")):
                readers[shard] = _ShardReader(index, shard, segment.value, ceiling, is_head=False)
            elif segment := stored.get(heads.get(shard, "")):
                readers[shard] = _ShardReader(index, shard, segment.value, ceiling, is_head=True)
            elif shard in full and shard not in heads:
                raise UnknownCursor
        return readers

    async def _extend(self, readers: Iterable["_ShardReader"]) -> None:
        keys = {reader.key(reader.number - 1): reader for reader in readers}
        stored = await self._store.get_many(list(keys))
        for key, reader in keys.items():
            if key not in stored:
                raise ServiceUnavailable("A part of the index is missing.")
            reader.take(stored[key].value)


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries, newest first, each with the time that it counts for, and whether these are all."""

    entries: list[Entry]
    is_all: bool
    _own: Mapping[tuple[int, str], int]
    _marks: Sequence[ShardCursor]
    _readers: Mapping[int, "_ShardReader"]

    def time_of(self, entry: Entry) -> int:
        """The entry's own time."""
        return self._own.get(entry, entry.at)

    def after(self, entry: Entry) -> Cursor:
        """The cursor that goes on after one of the entries."""
        marks = [
            self._readers[shard].mark(entry) if shard in self._readers else mark
            for shard, mark in enumerate(self._marks)
        ]
        return Cursor(entry, tuple(marks))


class _ShardReader:
    """A reader's way back through one shard: what it has read, and what it has not."""

    def __init__(
        self, index: Index, shard: int, first: Segment, ceiling: int | None, *, is_head: bool
    ) -> None:
        self._index = index
        self._shard = shard
        self._first_is_head = is_head
        self._read: list[tuple[Segment, int]] = []
        """Each with what its last entry counts for at most."""
        self.entries: list[tuple[int, str]] = []
        self.own: dict[tuple[int, str], int] = {}
        """The own times of those of the entries that count for less."""
        self._counted: dict[tuple[int, str], int] = {}
        """And the other way round."""
        self._take(first, UNLIMITED if ceiling is None else ceiling)

    def key(self, number: int) -> str:
        return self._index.key(self._shard, number)

    def take(self, segment: Segment) -> None:
        """The one before the oldest that was taken."""
        self._take(segment, self._ceiling_before(segment.entries))

    def _take(self, segment: Segment, ceiling: int) -> None:
        self._read.append((segment, ceiling))
        self.number = segment.number
        if max(segment.entries)[0] <= ceiling and list(segment.entries) == sorted(segment.entries):
            self.entries += segment.entries
        else:
            self._count(segment.entries, ceiling)
        oldest = min(segment.entries)[0]
        self.bound = min(ceiling, oldest + MAX_OUT_OF_ORDER_MS)
        if segment.newest_older is not None:
            self.bound = min(self.bound, segment.newest_older)
        """No entry of an older segment that is not in this one too counts for more."""

    def _count(self, entries: Sequence[tuple[int, str]], ceiling: int) -> None:
        for at, order_id in reversed(entries):
            counted = min(at, ceiling)
            self.entries.append((counted, order_id))
            if counted < at:
                self.own[counted, order_id] = at
                self._counted[at, order_id] = counted
            ceiling = min(ceiling, at + MAX_OUT_OF_ORDER_MS)

    def _ceiling_before(self, older: Sequence[tuple[int, str]]) -> int:
        """What the last of these entries, with which the oldest segment that was read begins,
        counts for at most: what came later is not that much older."""
        segment, ceiling = self._read[-1]
        later = {*segment.entries} - {*older}
        return min([ceiling, *(at + MAX_OUT_OF_ORDER_MS for at, _ in later)])

    def mark(self, limit: Entry) -> ShardCursor:
        """The newest segment with an entry below the limit that no older one has."""
        for (segment, ceiling), older in zip_longest(self._read, self._read[1:]):
            entries = {*segment.entries} - {*(older[0].entries if older else ())}
            if any((self._counted.get(e, e[0]), e[1]) < limit for e in entries):
                is_head = self._first_is_head and segment is self._read[0][0]
                needed = ceiling < max(segment.entries)[0]
                return ShardCursor(segment.number, is_head, ceiling if needed else None)
        segment, _ = self._read[-1]
        if segment.number == 0:
            return ShardCursor(-1, is_head=False)
        ceiling = self._ceiling_before(segment.entries[:HEAD_OVERLAP])
        # An entry that was added twice may be all that the segment has beyond the one before it.
        known = ceiling if ceiling < UNLIMITED else None
        return ShardCursor(segment.number - 1, is_head=False, ceiling=known)
