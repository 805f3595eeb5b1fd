"""What the sweep remembers from one time to the next, and which replica's turn it is.

It is one document: positions in the index, the entries before them that are still open, and who has
claimed the work. W10, W12 and W16 are rules of docs/workflow.md.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from coffeeshop import sequences
from coffeeshop.contracts import Station
from coffeeshop.index import Entry, Position, milliseconds, moment
from coffeeshop.store import Store, Stored
from counter.checks import CHECK_PERIOD, FIRST_CHECKS, Remind, next_check

SWEEP_STATE_KEY = "watch"
"""The document's key."""
LEASE_MS = 8_000
"""How long a sweep has the work for itself: less than the 10 s from one sweep to the next."""
FIRST_CHECK_MS = FIRST_CHECKS[0] // timedelta(milliseconds=1)
"""How old an index entry is when it is looked at first: older than an attempt can get (W16)."""
LONGEST_MS = CHECK_PERIOD // timedelta(milliseconds=1)
"""From one look at an open order to the next. What is due later than that was said by a clock that
has been set back since: it is due now."""
SWEEP_BUDGET_MS = 5_000
"""How long a sweep begins to look at further orders: what it did has to be remembered before the
claim is over, or the next sweep would ask the same stations again."""
BATCH_SIZE = 100
"""Orders that are looked at with one bulk read."""
MAX_CHECKS = 4_000
"""Entries that one sweep looks at, those that are due longest first."""
MAX_OPEN_ENTRIES = 20_000
"""Open entries that are remembered; beyond them the sweep takes no new ones (W12). A document of
20,000 has 2 MB, and a sidecar takes 4."""


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An index entry that is not done. Times are milliseconds since 1970."""

    id: str
    at: int
    next: int
    """When to look at it again."""
    asked: int | None = None
    """When the last question before giving up was confirmed (W10)."""
    waits: tuple[Station, ...] = ()
    """For which stations, since the last look."""

    def asked_at(self) -> datetime | None:
        return moment(self.asked) if self.asked is not None else None

    def after(self, ask: Remind, now: datetime, *, confirmed: bool) -> "OpenEntry":
        """The entry after a question. A last one that is not confirmed is asked again (W10)."""
        if ask.is_last and not confirmed:
            return self
        asked = (self.asked or milliseconds(now)) if ask.is_last else None
        then = next_check(ask.order, now, moment(asked) if asked else None)
        return replace(self, next=milliseconds(then), asked=asked, waits=ask.stations)


@dataclass(frozen=True, slots=True)
class SweepState:
    """The document."""

    positions: tuple[Position, ...] = ()
    open: tuple[OpenEntry, ...] = ()
    claimed_at: int = 0
    claimed_by: str = ""

    @property
    def room(self) -> int:
        """How many new entries a sweep takes."""
        return min(MAX_OPEN_ENTRIES - len(self.open), MAX_CHECKS)

    def late(self, now: datetime, deadline: timedelta) -> list[OpenEntry]:
        """The open entries whose deadline is over, as far as the last sweep saw."""
        since = milliseconds(now - deadline)
        return [entry for entry in self.open if entry.at < since]

    def entries(self, added: Iterable[Entry], now: int) -> dict[str, OpenEntry]:
        """By id the open entries, and those that were added to the index."""
        entries = {entry.id: entry for entry in self.open}
        for new in added:
            first = min(new.at, now) + FIRST_CHECK_MS
            entries.setdefault(new.id, OpenEntry(new.id, new.at, first))
        return entries


def due(entries: Iterable[OpenEntry], now: int) -> list[OpenEntry]:
    """Those whose time has come, longest first."""
    found = sorted((each for each in entries if _is_due(each, now)), key=lambda each: each.next)
    return found[:MAX_CHECKS]


def _is_due(entry: OpenEntry, now: int) -> bool:
    return not now < entry.next <= now + LONGEST_MS


def batches(entries: Sequence[OpenEntry]) -> Iterator[Sequence[OpenEntry]]:
    """The entries in parts that are looked at together."""
    return sequences.batches(entries, BATCH_SIZE)


SWEEP_STATES = TypeAdapter(SweepState)


class SweepLease:
    """Sweeps of several replicas take turns."""

    def __init__(self, store: Store[SweepState], entropy: Callable[[int], bytes]) -> None:
        self._store = store
        self._entropy = entropy

    async def acquire(self, stored: Stored[SweepState] | None, now: int) -> str | None:
        """Have this sweep's work for oneself; None if another replica has it. A claim that lies in
        the future is of a clock that is wrong: it counts for nothing. Raises
        `ServiceUnavailable`."""
        if stored is not None and 0 <= now - stored.value.claimed_at < LEASE_MS:
            return None
        claim = self._entropy(16).hex()
        if stored is None:
            theirs = await self._store.create(
                SWEEP_STATE_KEY, SweepState(claimed_at=now, claimed_by=claim)
            )
            return claim if theirs is None else None
        mine = replace(stored.value, claimed_at=now, claimed_by=claim)
        return claim if await self._store.update(SWEEP_STATE_KEY, mine, stored.etag) else None

    async def save(self, state: SweepState) -> None:
        """Save what the sweep remembers, unless another one has claimed the work meanwhile: what
        that one saves is right too. Raises `ServiceUnavailable`."""
        stored = await self._store.get(SWEEP_STATE_KEY)
        if stored is not None and stored.value.claimed_by == state.claimed_by:
            await self._store.update(SWEEP_STATE_KEY, state, stored.etag)
