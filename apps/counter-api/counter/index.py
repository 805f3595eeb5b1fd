"""Indexes over orders, newest first, for a store that cannot scan.

An index has a few shards. A shard is a chain of numbered segments of at most `SEGMENT` entries;
the newest stands under the shard's own key, its head, and is changed by ETag. A full head is
copied to its numbered key, where it never changes again, and an empty one begins. Who meets a
conflict goes to another shard, so that writers do not queue. An entry goes to several indexes in
one read and one save: each call to the sidecar costs more than what it carries.

Promise: every order that was acknowledged before a reader asked for page one is in its pages,
exactly once. What is in the index but is no order of the reader's (a request that died before
its order was saved, a key that was reused) is for the reader to drop.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from coffeeshop.sidecar import Save, Store, Stored, Unavailable

SEGMENT = 32
DISORDER_MS = 5_000
"""Entries of one shard are in the order of their times but for this much: an order is saved
within 2 s of its time or not at all, and the clocks of two replicas may differ by 3 s."""
ATTEMPTS = 12


class Entry(NamedTuple):
    """`at` is milliseconds since 1970, the order's `placed_at`."""

    at: int
    id: str


@dataclass(frozen=True, slots=True)
class Segment:
    number: int
    entries: tuple[Entry, ...]


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

    async def slots(self, *indexes: Index) -> list[Slot]:
        """Any shard of each index, to add to later. Raises `Unavailable`."""
        chosen = self._any_shards(indexes)
        heads = await self._store.get_many([slot.key for slot in chosen])
        return [replace(slot, head=heads.get(slot.key)) for slot in chosen]

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
            grown = Segment(segment.number + 1, (entry,))
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

    async def before(self, index: Index, limit: Entry, count: int) -> tuple[list[Entry], bool]:
        """The newest entries below `limit`, at least `count` unless there are fewer, newest first,
        and whether these are all. Raises `Unavailable`."""
        keys = {index.head(shard): shard for shard in range(index.shards)}
        heads = await self._store.get_many(list(keys))
        walks = [_Walk(index, keys[key], stored.value) for key, stored in heads.items()]
        await self._skip(walks, limit)
        while True:
            found = sorted({e for walk in walks for e in walk.entries if e < limit}, reverse=True)
            enough = found[count - 1].at if len(found) >= count else -1
            behind = [walk for walk in walks if walk.number > 0 and walk.bound >= enough]
            if not behind:
                unread = max((walk.bound for walk in walks if walk.number > 0), default=-1)
                return [entry for entry in found if entry.at > unread], unread < 0
            await self._extend(behind)

    async def _extend(self, walks: Iterable["_Walk"]) -> None:
        keys = {walk.key(walk.number - 1): walk for walk in walks}
        stored = await self._store.get_many(list(keys))
        for key, walk in keys.items():
            if key not in stored:
                raise Unavailable("A part of the index is missing.")
            walk.take(stored[key].value)

    async def _skip(self, walks: Iterable["_Walk"], limit: Entry) -> None:
        """Jump over the segments that are newer than the limit, by bisection of their numbers:
        all shards together, one read a round."""
        spans = {walk: (0, walk.number) for walk in walks if walk.bound > limit.at}
        while open_spans := {w: span for w, span in spans.items() if span[0] < span[1]}:
            middles = {w: (low + high) // 2 for w, (low, high) in open_spans.items()}
            keys = {w.key(middle): w for w, middle in middles.items()}
            stored = await self._store.get_many(list(keys))
            for key, walk in keys.items():
                if key not in stored:
                    raise Unavailable("A part of the index is missing.")
                low, high = spans[walk]
                middle = middles[walk]
                newer = _oldest_possible(stored[key].value) > limit.at
                spans[walk] = (low, middle) if newer else (middle + 1, high)
        for walk, (number, _) in spans.items():
            walk.start_below(number)


class _Walk:
    """A reader's way back through one shard: what it has read, and what it has not."""

    def __init__(self, index: Index, shard: int, head: Segment) -> None:
        self._index = index
        self._shard = shard
        self.number = head.number
        self.entries = list(head.entries)
        self.bound = _newest_unread(head)

    def key(self, number: int) -> str:
        return self._index.key(self._shard, number)

    def take(self, segment: Segment) -> None:
        self.number = segment.number
        self.entries += segment.entries
        self.bound = _newest_unread(segment)

    def start_below(self, number: int) -> None:
        """Go on with the segment before `number`."""
        self.number = number
        self.bound = _EVER


_EVER = 1 << 62


def _newest_unread(segment: Segment) -> int:
    """No entry of an older segment of the shard is newer than this."""
    return segment.entries[0].at + DISORDER_MS


def _oldest_possible(segment: Segment) -> int:
    """No entry of this or a newer segment of the shard is older than this."""
    return segment.entries[0].at - DISORDER_MS
