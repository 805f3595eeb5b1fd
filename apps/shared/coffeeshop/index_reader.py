"""Reading an index, newest first: pages, and cursors that say where the next one begins.

A page costs the same however deep it is: its cursor says in which segments it goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from coffeeshop.index import DISORDER_MS, Entry, Index, Segment
from coffeeshop.store import Store
from coffeeshop.transport import Unavailable


class Mark(NamedTuple):
    """Where a reader is in a shard: at the segment of this number, which was the head, or not.
    Below 0 it has read all."""

    number: int
    is_head: bool


class Cursor(NamedTuple):
    """Where a reader goes on: below an entry, and in each shard at a mark; without marks at the
    heads."""

    limit: Entry
    marks: tuple[Mark, ...] = ()


class UnknownCursor(Exception):
    """No page of this index gave this cursor."""


class IndexReader:
    """Reads the indexes of a store."""

    def __init__(self, store: Store[Segment]) -> None:
        self._store = store

    async def before(self, index: Index, cursor: Cursor, count: int) -> "Found":
        """The newest entries below the cursor's limit, at least `count` unless there are fewer.
        Raises `UnknownCursor` and `Unavailable`."""
        if cursor.marks and len(cursor.marks) != index.shards:
            raise UnknownCursor
        walks = await self._walks(index, cursor.marks)
        while True:
            read = {e for walk in walks.values() for e in walk.entries if e < cursor.limit}
            found = sorted(read, reverse=True)
            enough = found[count - 1][0] if len(found) >= count else -1
            behind = [w for w in walks.values() if w.number > 0 and w.bound >= enough]
            if not behind:
                unread = max((w.bound for w in walks.values() if w.number > 0), default=-1)
                entries = [Entry(*entry) for entry in found if entry[0] > unread]
                marks = cursor.marks or (Mark(0, is_head=True),) * index.shards
                return Found(entries, unread < 0, marks, walks)
            await self._extend(behind)

    async def _walks(self, index: Index, marks: Sequence[Mark]) -> dict[int, "_Walk"]:
        """A walk through each shard that has unread entries: from its mark, or from its head."""
        numbered = enumerate(marks)
        full = {n: index.key(n, mark.number) for n, mark in numbered if mark.number >= 0}
        heads = {n: index.head(n) for n in range(index.shards) if not marks or marks[n].is_head}
        stored = await self._store.get_many([*heads.values(), *full.values()])
        walks = {}
        for shard in range(index.shards):
            if segment := stored.get(full.get(shard, "")):
                walks[shard] = _Walk(index, shard, segment.value, is_head=False)
            elif segment := stored.get(heads.get(shard, "")):
                walks[shard] = _Walk(index, shard, segment.value, is_head=True)
            elif shard in full and shard not in heads:
                raise UnknownCursor
        return walks

    async def _extend(self, walks: Iterable["_Walk"]) -> None:
        keys = {walk.key(walk.number - 1): walk for walk in walks}
        stored = await self._store.get_many(list(keys))
        for key, walk in keys.items():
            if key not in stored:
                raise Unavailable("A part of the index is missing.")
            walk.take(stored[key].value)


@dataclass(frozen=True, slots=True)
class Found:
    """Entries, newest first, and whether these are all."""

    entries: list[Entry]
    is_all: bool
    _marks: Sequence[Mark]
    _walks: Mapping[int, "_Walk"]

    def after(self, entry: Entry) -> Cursor:
        """The cursor that goes on after one of the entries."""
        marks = [
            self._walks[shard].mark(entry) if shard in self._walks else mark
            for shard, mark in enumerate(self._marks)
        ]
        return Cursor(entry, tuple(marks))


class _Walk:
    """A reader's way back through one shard: what it has read, and what it has not."""

    def __init__(self, index: Index, shard: int, first: Segment, *, is_head: bool) -> None:
        self._index = index
        self._shard = shard
        self._first = Mark(first.number, is_head)
        self._read: list[Segment] = []
        self.entries: list[tuple[int, str]] = []
        self.take(first)

    def key(self, number: int) -> str:
        return self._index.key(self._shard, number)

    def take(self, segment: Segment) -> None:
        self._read.append(segment)
        self.entries += segment.entries
        self.number = segment.number
        self.bound = segment.entries[0][0] + DISORDER_MS
        """No entry of an older segment that is not in this one too is newer."""

    def mark(self, limit: Entry) -> Mark:
        """The newest segment with an entry below the limit that no older one has, or may have."""
        mark = self._first
        for segment, older in zip_longest(self._read, self._read[1:]):
            if _oldest_possible(segment) <= limit.at and (
                older is None or any(e < limit for e in {*segment.entries} - {*older.entries})
            ):
                break
            mark = Mark(segment.number - 1, is_head=False)
        return mark


def _oldest_possible(segment: Segment) -> int:
    """No entry of this or a newer segment of the shard is older than this."""
    return segment.entries[0][0] - DISORDER_MS
