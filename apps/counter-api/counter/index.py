"""Indexes over orders, newest first, for a store that cannot scan.

An index has a few shards. A shard is a chain of numbered segments of at most `SEGMENT` entries;
the newest stands under the shard's own key, its head, and is changed by ETag. A full head is
copied to its numbered key, where it never changes again, and a new one begins with its last
entries, so that a first page seldom needs more than the heads. Who meets a conflict goes to another
shard, so that writers do not queue. An entry goes to several indexes in one read and one save: each
call to the sidecar costs more than what it carries.

Promise: every order that was acknowledged before a reader asked for page one is in its pages,
exactly once. What is in the index but is no order of the reader's (a request that died before
its order was saved, a key that was reused) is for the reader to drop. A page costs the same however
deep it is: its cursor says in which segments it goes on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter

from coffeeshop.store import ATTEMPTS, Save, Store, Stored
from coffeeshop.transport import Unavailable

SEGMENT = 32
KEPT = 10
"""Entries of a full head with which the next one begins."""
DISORDER_MS = 5_000
"""Entries of one shard are in the order of their times but for this much: an order is saved
within 2 s of its time or not at all, and the clocks of two replicas may differ by 3 s."""

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


SEGMENTS = TypeAdapter(Segment)


class Mark(NamedTuple):
    """Where a reader is in a shard: at the segment of this number, which was the head, or not.
    Below 0 it has read all."""

    number: int
    is_head: bool


class Position(NamedTuple):
    """How far a shard was read: in the segment of this number, so many entries."""

    number: int
    length: int


class Cursor(NamedTuple):
    """Where a reader goes on: below an entry, and in each shard at a mark; without marks at the
    heads."""

    limit: Entry
    marks: tuple[Mark, ...] = ()


class UnknownCursor(Exception):
    """No page of this index gave this cursor."""


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
class Slot:
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

    async def slots(
        self, *indexes: Index, beside: Store[T], keys: Sequence[str] = ()
    ) -> tuple[list[Slot], dict[str, Stored[T]]]:
        """Any shard of each index, to add to later, and other documents of the same state store,
        in one call. Raises `Unavailable`."""
        chosen = self._any_shards(indexes)
        heads, others = await self._store.get_with([slot.key for slot in chosen], beside, keys)
        return [replace(slot, head=heads.get(slot.key)) for slot in chosen], others

    async def heads(
        self, index: Index, *, beside: Store[T], keys: Sequence[str]
    ) -> tuple[dict[str, Stored[Segment]], dict[str, Stored[T]]]:
        """All heads of an index by their keys, and other documents of the same state store, in one
        call. Raises `Unavailable`."""
        return await self._store.get_with(index.heads(), beside, keys)

    def _any_shards(self, indexes: Iterable[Index]) -> list[Slot]:
        return [Slot(index, self._choose(index.shards), None) for index in indexes]

    async def add(self, entry: Entry, slots: list[Slot], in_time: Callable[[], bool]) -> None:
        """Add the entry to the index of each slot, trying other shards while it is in time. Raises
        `Unavailable` if that is not confirmed."""
        for _ in range(ATTEMPTS):
            saves = [await self._with(entry, slot) for slot in slots]
            if await self._store.save_all(saves):
                return
            if not in_time():
                break
            if not (slots := await self._others(entry, slots)):
                return
        raise Unavailable("The index is too busy.")

    async def _with(self, entry: Entry, slot: Slot) -> Save[Segment]:
        """The head with the entry; a full one makes room first."""
        if slot.head is None:
            return Save(slot.key, Segment(0, (entry,)))
        segment = slot.head.value
        if len(segment.entries) < SEGMENT:
            grown = Segment(segment.number, (*segment.entries, entry))
        else:
            # Whoever copies a full head writes the same: one that exists already is as good.
            await self._store.create(slot.index.key(slot.shard, segment.number), segment)
            grown = Segment(segment.number + 1, (*segment.entries[-KEPT:], entry))
        return Save(slot.key, grown, slot.head.etag)

    async def _others(self, entry: Entry, slots: list[Slot]) -> list[Slot]:
        """Other shards instead of those that did not take the entry."""
        others = self._any_shards(slot.index for slot in slots)
        heads = await self._store.get_many(
            list(dict.fromkeys(slot.key for slot in (*slots, *others)))
        )

        def took_it(slot: Slot) -> bool:
            head = heads.get(slot.key)
            return head is not None and entry in head.value.entries

        return [
            replace(other, head=heads.get(other.key))
            for slot, other in zip(slots, others, strict=True)
            if not took_it(slot)
        ]

    async def since(
        self,
        index: Index,
        positions: Sequence[Position],
        heads: Mapping[str, Stored[Segment]],
        room: int,
    ) -> tuple[list[Entry], tuple[Position, ...]]:
        """The entries that were added behind the positions, at most about `room`, and the positions
        behind them. Nothing is ever added before a position. Raises `Unavailable`."""
        reached = list(positions) or [Position(0, 0)] * index.shards
        full: dict[int, list[str]] = {}
        for shard in range(index.shards):
            if head := heads.get(index.head(shard)):
                end = min(head.value.number, reached[shard].number + room // SEGMENT)
                full[shard] = [index.key(shard, n) for n in range(reached[shard].number, end)]
                room -= SEGMENT * len(full[shard])
        stored = await self._store.get_many([key for keys in full.values() for key in keys])
        found: list[Entry] = []
        for shard, keys in full.items():
            if any(key not in stored for key in keys):
                raise Unavailable("A part of the index is missing.")
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
