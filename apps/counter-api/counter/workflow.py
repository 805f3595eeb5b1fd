"""The ordering workflow: from a POS's request to an order that has ended, whatever dies between.

    place    ask product-api for the items, write the indexes, create the order, publish it to its
             stations
    record   a station's report is stored beside the order
    cancel   somebody changed their mind: each station decides
    sweep    every 10 s: ask silent stations again, give them up after the deadline, settle what has
             ended, and see to it that what was never saved never will be

Each document has one writer. Dapr keeps what must last: the documents with their ETags, the events
in the broker. The decisions are pure functions in `counter.order` and `counter.looks`; W1 to W17
are the rules of docs/workflow.md.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from coffeeshop.concurrency import together
from coffeeshop.contracts import (
    ItemToMake,
    Station,
    StationAnswered,
    StationOrdered,
)
from coffeeshop.environment import Environment
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Save, Store, Stored
from coffeeshop.topics import CANCELLED, PLACED, Event, publish
from coffeeshop.transport import Unavailable
from counter import order as rules
from counter.clients import Products
from counter.documents import Cancellation, Order, Record, Report, Tombstone
from counter.index import SEGMENTS, Entry, Indexes, Position, milliseconds, moment
from counter.looks import FIRST_LOOKS, Ask, Bury, GiveUp, Look, Settle, look, next_look
from counter.order import OrderRequest, place, requested_types
from counter.orders import EVERYONE, STORE, Orders, cancellation_key, customer_index, report_key
from counter.view import View, view

BUDGET = timedelta(seconds=2)
"""An order that could not be saved this long after its request came is not saved at all (W2)."""
FIRST_ANSWERS = timedelta(milliseconds=500)
"""Load shedding: an order whose first questions took longer is refused while nothing of it is
stored. Saved later it would mostly exceed the budget, and leave index entries behind (measured
with 256 connections: 1,671 of 2,770 did)."""
WATCH = "watch"
"""The key of what the sweep remembers."""
CLAIM_MS = 8_000
"""How long a sweep has the work for itself: less than the 10 s from one sweep to the next."""
LOOKING_MS = 5_000
"""How long a sweep begins to look at further orders: what it did has to be remembered before the
claim is over, or the next sweep would ask the same stations again."""
FIRST_LOOK_MS = FIRST_LOOKS[0] // timedelta(milliseconds=1)
"""How old an index entry is when it is looked at first: older than an attempt can get (W16)."""
CHUNK = 100
"""Orders that are looked at with one bulk read."""
MAX_OPEN = 20_000
"""Open entries that the sweep remembers; beyond them it takes no new ones (W12). A document of
20,000 has 1.5 MB, and a sidecar takes 4."""
MAX_LOOKS = 4_000
"""Entries that one sweep looks at, those that are due longest first."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An index entry that is not done. Times are milliseconds since 1970."""

    id: str
    at: int
    next: int
    """When to look at it again."""
    asked: int | None = None
    """When the last question before giving up was confirmed (W10)."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the sweep remembers: positions in the index, and the open entries before them (W12)."""

    positions: tuple[Position, ...] = ()
    open: tuple[Watched, ...] = ()
    claimed_at: int = 0
    claimed_by: str = ""


_WATCHES = TypeAdapter(Watch)


class KeyReused(Exception):
    """The idempotency key belongs to an order with another body."""


class Abandoned(Exception):
    """The key's order was given up before it was saved: it will never be made."""


class MayExist(Exception):
    """Whether the order was saved is unknown: the same key will tell."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class UnknownOrder(Exception):
    """There is no such order, and there never will be."""


class Ended(Exception):
    """The order has ended: nothing of it can be cancelled any more."""

    def __init__(self, order: View) -> None:
        super().__init__(order.order.id)
        self.order = order


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, and whether an earlier request with the same key had placed it."""

    order: View
    is_repeat: bool


class Workflow:
    def __init__(self, env: Environment, log: Log) -> None:
        if not env.settings.id_secret:
            raise ValueError("counter-api needs the setting id_secret")
        self._env = env
        self._log = log
        self._secret = env.settings.id_secret.encode()
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._products = Products(self._sidecar)
        self._orders = Orders(self._sidecar)
        self._indexes = Indexes(Store(self._sidecar, STORE, SEGMENTS), env.choose)
        self._watches = Store(self._sidecar, STORE, _WATCHES)

    # Placing an order

    async def place(self, request: OrderRequest, key: str | None) -> Placed:
        """Place an order, or find the one that was placed with this idempotency key.

        Raises `Rejected`, `KeyReused`, `Abandoned`, `MayExist`, `TooManyRequests` and
        `Unavailable`.
        """
        now = self._now()

        def in_time() -> bool:
            return self._now() - now <= BUDGET

        order_id = self._order_id(key)
        menu, (slots, known) = await together(
            self._products.items(requested_types(request)),
            self._indexes.slots(
                EVERYONE,
                customer_index(self._secret, request.loyalty_member_id),
                beside=self._orders.records,
                keys=[order_id] if key else [],
            ),
        )
        if (stored := known.get(order_id)) is not None:
            return await self._repeated(stored, request.body_hash)
        if self._now() - now > FIRST_ANSWERS:
            raise Unavailable("The shop is overloaded.")
        order = place(
            request,
            menu,
            order_id=order_id,
            now=now,
            deadline=self._env.settings.order_deadline,
        )
        # W2: the index is what watches an order, so that its entry is confirmed first.
        await self._indexes.add(Entry(milliseconds(now), order_id), slots, in_time)
        if not in_time():
            raise Unavailable("Placing the order took too long.")
        if (stored := await self._create(order)) is not None:
            return await self._repeated(stored, request.body_hash)
        self._log("order.placed", orderId=order_id, total=order.total, stations=order.stations)
        try:
            await self._publish_to(order, order.stations, PLACED)
        except Unavailable as error:
            # W4: a saved order is placed. The sweep publishes it.
            self._log("order.not_submitted", level="warning", orderId=order_id, cause=str(error))
        return Placed(view(order, {}), is_repeat=False)

    async def _create(self, order: Order) -> Stored[Record] | None:
        """Create the order; None if it is saved now, else what stands there (W3)."""
        try:
            stored = await self._orders.records.create(order.id, order)
        except Unavailable as error:
            raise MayExist(order.id) from error
        return None if stored is None or stored.value == order else stored

    async def _repeated(self, stored: Stored[Record], body_hash: str) -> Placed:
        """The answer to a key whose id is taken (W3)."""
        record = stored.value
        if isinstance(record, Tombstone):
            raise Abandoned
        if record.body_hash != body_hash:
            raise KeyReused
        return Placed(await self._orders.view(record), is_repeat=True)

    # A station's report

    async def record(self, events: Sequence[StationAnswered]) -> None:
        """Store stations' reports: one save in the usual case, and no read (W4, W7). Raises
        `Unavailable` to get all of them again."""
        now = self._now()
        waiting: dict[str, tuple[StationAnswered, Report]] = {}
        for event in events:
            key, report = report_key(event.orderId, event.station), rules.reported(event, now)
            if key not in waiting or rules.newer(waiting[key][1], report) is not None:
                waiting[key] = event, report
        there = await self._orders.reports.create_all({k: r for k, (_, r) in waiting.items()})
        for key, (event, report) in waiting.items():
            if key not in there:
                raise Unavailable("The store did not confirm.")
            if there[key] == report:
                self._log_report(event)
            elif rules.newer(there[key], report) is None:
                await self._not_newer(there[key], event, report)
            else:
                await self._replace(key, event, report)

    async def _replace(self, key: str, event: StationAnswered, report: Report) -> None:
        """Lay a report over the one that is stored, if it is newer."""

        def lay_over(stored: Report | None) -> Report | None:
            if stored is None:
                raise Unavailable("The store did not confirm.")
            return rules.newer(stored, report)

        stays = await self._orders.reports.change(key, lay_over, self._env.jitter)
        if stays is None:
            self._log_report(event)
        else:
            await self._not_newer(stays, event, report)

    async def _not_newer(self, stored: Report, event: StationAnswered, report: Report) -> None:
        if not rules.contradicts(stored, report):
            return
        self._log("report.late", level="warning", orderId=event.orderId, station=event.station)
        if stored.gave_up and not report.final:
            # W11: the station still works on what was given up.
            record = await self._orders.records.get(event.orderId)
            if record is not None and isinstance(record.value, Order):
                await self._publish_to(record.value, (event.station,), CANCELLED)

    def _log_report(self, event: StationAnswered) -> None:
        self._log("order.updated", orderId=event.orderId, station=event.station, final=event.final)

    # Cancelling

    async def cancel(self, order_id: str) -> View:
        """Ask the stations to cancel what they have not begun (W13). Raises `UnknownOrder`, after
        which there never will be one, `Ended` and `Unavailable`."""
        stored = await self._orders.records.get(order_id)
        if stored is None:
            tombstone = Tombstone(order_id, self._now())
            stored = await self._orders.records.create(order_id, tombstone)
        if stored is None or isinstance(stored.value, Tombstone):
            raise UnknownOrder
        return await self._cancel(stored.value)

    async def _cancel(self, order: Order) -> View:
        seen = await self._orders.view(order)
        if seen.is_terminal:
            raise Ended(seen)
        cancellation = Cancellation(self._now())
        await self._orders.cancellations.create(cancellation_key(order.id), cancellation)
        self._log("order.cancellation_requested", orderId=order.id)
        try:
            await self._publish_to(order, order.stations, CANCELLED)
        except Unavailable as error:
            # The sweep publishes it with its next question (W8).
            self._log("order.not_submitted", level="warning", orderId=order.id, cause=str(error))
        return seen

    # Events to the stations

    async def _publish_to(
        self, order: Order, stations: Iterable[Station], event: Event[StationOrdered]
    ) -> None:
        """Publish that the order was placed or cancelled. Raises `Unavailable`."""
        await self._publish({station: [order] for station in stations}, event)

    async def _publish(
        self, orders: Mapping[Station, Sequence[Order]], event: Event[StationOrdered]
    ) -> None:
        """One call for each station. Raises `Unavailable` if one of the events is not confirmed."""
        await together(
            *(
                publish(self._sidecar, event, station, [_ordered(each, station) for each in some])
                for station, some in orders.items()
            )
        )

    # The sweep

    async def sweep(self) -> None:
        """Look at what is due: entries that are new in the index, and those that were open when
        they were looked at last. Raises `Unavailable`: the next sweep looks again."""
        now = milliseconds(self._now())
        heads, watches = await self._indexes.heads(EVERYONE, beside=self._watches, keys=[WATCH])
        stored = watches.get(WATCH)
        watch = stored.value if stored else Watch()
        room = min(MAX_OPEN - len(watch.open), MAX_LOOKS)
        added, positions = await self._indexes.since(EVERYONE, watch.positions, heads, room)
        entries = {entry.id: entry for entry in watch.open}
        for new in added:
            entries.setdefault(new.id, Watched(new.id, new.at, new.at + FIRST_LOOK_MS))
        due = sorted((e for e in entries.values() if e.next <= now), key=lambda e: e.next)
        if not added and not due:
            return
        claim = await self._claim(stored, now)
        if claim is None:
            return
        for begin in range(0, min(len(due), MAX_LOOKS), CHUNK):
            if milliseconds(self._now()) - now >= LOOKING_MS:
                break  # what is left is still due
            chunk = due[begin : begin + CHUNK]
            try:
                still_open = await self._look_at(chunk)
            except Unavailable as error:
                self._log("sweep.incomplete", level="warning", cause=str(error))
                continue
            for entry in chunk:
                del entries[entry.id]
            entries |= {entry.id: entry for entry in still_open}
        await self._remember(Watch(positions, tuple(entries.values()), now, claim))

    async def _claim(self, stored: Stored[Watch] | None, now: int) -> str | None:
        """Have this sweep's work for oneself; None if another replica has it. A claim that lies in
        the future is of a clock that is wrong: it counts for nothing."""
        if stored is not None and 0 <= now - stored.value.claimed_at < CLAIM_MS:
            return None
        claim = self._env.entropy(16).hex()
        if stored is None:
            theirs = await self._watches.create(WATCH, Watch(claimed_at=now, claimed_by=claim))
            return claim if theirs is None else None
        mine = replace(stored.value, claimed_at=now, claimed_by=claim)
        return claim if await self._watches.update(WATCH, mine, stored.etag) else None

    async def _remember(self, watch: Watch) -> None:
        """Save what the sweep remembers, unless another one has claimed the work meanwhile: what
        that one saves is right too."""
        stored = await self._watches.get(WATCH)
        if stored is not None and stored.value.claimed_by == watch.claimed_by:
            await self._watches.update(WATCH, watch, stored.etag)

    async def _look_at(self, entries: Sequence[Watched]) -> list[Watched]:
        """Do what is due about the entries, in bulk. Returns those that are not done (W12). Raises
        `Unavailable`."""
        now = self._now()
        records = await self._orders.records.get_many([entry.id for entry in entries])
        found = [each.value for each in records.values()]
        unsettled = [r for r in found if isinstance(r, Order) and r.settled is None]
        reports = await self._orders.reports_of(unsettled)
        by_kind: dict[type[Look], list[tuple[Watched, Any]]] = defaultdict(list)
        for entry in entries:
            stored = records.get(entry.id)
            asked = moment(entry.asked) if entry.asked is not None else None
            record = stored.value if stored else None
            each = look(record, reports.get(entry.id, {}), now, asked)
            by_kind[type(each)].append((entry, each))
        return [
            *await self._bury(by_kind[Bury], now),
            *await self._settle(by_kind[Settle], records),
            *await self._ask(by_kind[Ask]),
            *await self._give_up(by_kind[GiveUp], now),
        ]

    async def _bury(self, looks: Sequence[tuple[Watched, Bury]], now: datetime) -> list[Watched]:
        """Create tombstones. What met an order, or was not confirmed, is looked at again."""
        if not looks:
            return []
        there = await self._orders.records.create_all(
            {entry.id: Tombstone(entry.id, now) for entry, _ in looks}
        )
        buried = {key for key, record in there.items() if isinstance(record, Tombstone)}
        for order_id in buried:
            self._log("order.abandoned", level="warning", orderId=order_id)
        return [entry for entry, _ in looks if entry.id not in buried]

    async def _settle(
        self, looks: Sequence[tuple[Watched, Settle]], records: Mapping[str, Stored[Record]]
    ) -> list[Watched]:
        """Save ended orders with their reports. Without a confirmation they are looked at again."""
        cancelled: dict[Station, list[Order]] = defaultdict(list)
        for _, settle in looks:
            for station in settle.given_up:
                cancelled[station].append(settle.order)
        try:
            await self._publish(cancelled, CANCELLED)  # W11
        except Unavailable as error:
            self._log("sweep.incomplete", level="warning", cause=str(error))
            return [entry for entry, _ in looks]
        saves: list[Save[Record]] = [
            Save(entry.id, settle.order, records[entry.id].etag) for entry, settle in looks
        ]
        if await self._orders.records.save_all(saves):
            return []
        return [entry for entry, _ in looks]

    async def _ask(self, looks: Sequence[tuple[Watched, Ask]]) -> list[Watched]:
        """Publish `placed` again, and `cancelled` where that was requested (W8)."""
        keys = {cancellation_key(entry.id): ask for entry, ask in looks}
        requested = await self._orders.cancellations.get_many(list(keys))
        placed: dict[Station, list[Order]] = defaultdict(list)
        cancelled: dict[Station, list[Order]] = defaultdict(list)
        for key, ask in keys.items():
            for station in ask.stations:
                placed[station].append(ask.order)
                if key in requested:
                    cancelled[station].append(ask.order)
        confirmed = True
        try:
            await self._publish(placed, PLACED)
            await self._publish(cancelled, CANCELLED)
        except Unavailable as error:
            confirmed = False
            self._log("sweep.incomplete", level="warning", cause=str(error))
        for entry, ask in looks:
            self._log("order.asked", orderId=entry.id, stations=ask.stations)
        # W10 counts from the confirmation, not from the beginning of the look.
        now = self._now()
        return [_asked(entry, ask, now, confirmed=confirmed) for entry, ask in looks]

    async def _give_up(
        self, looks: Sequence[tuple[Watched, GiveUp]], now: datetime
    ) -> list[Watched]:
        """Create GIVEN-UP where there is no report (W10). The next look settles the order."""
        given_up = {
            report_key(entry.id, station): rules.given_up(give_up.order, station, now)
            for entry, give_up in looks
            for station in give_up.stations
        }
        if given_up:
            await self._orders.reports.create_all(given_up)
        for entry, _ in looks:
            self._log("order.gave_up", level="warning", orderId=entry.id)
        return [entry for entry, _ in looks]

    # Keys and times

    def _order_id(self, key: str | None) -> str:
        """Random, or the same for the same key of the same POS: no record of keys to lose (W3)."""
        if key is None:
            return str(UUID(bytes=self._env.entropy(16), version=4))
        return derived_id(self._secret, self._env.settings.pos_token, key)

    def _now(self) -> datetime:
        """To the millisecond, as the indexes have it."""
        return moment(milliseconds(self._env.clock()))


def derived_id(secret: bytes, pos: str, key: str) -> str:
    """The order id of a POS's idempotency key: a UUID of version 8, made of an HMAC."""
    digest = bytearray(hmac.digest(secret, f"order\n{pos}\n{key}".encode(), "sha256")[:16])
    # By hand (RFC 9562, 5.8): the host's Python 3.11 knows no version above 5.
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def _asked(entry: Watched, ask: Ask, now: datetime, *, confirmed: bool) -> Watched:
    """The entry after a question. A last question that is not confirmed is asked again (W10)."""
    if ask.is_last and not confirmed:
        return entry
    asked = (entry.asked or milliseconds(now)) if ask.is_last else None
    then = next_look(ask.order, now, moment(asked) if asked else None)
    return replace(entry, next=milliseconds(then), asked=asked)


def _ordered(order: Order, station: Station) -> StationOrdered:
    """What a station gets of an order, whether it was placed or cancelled."""
    return StationOrdered(
        orderId=order.id,
        expiresAt=order.expires_at,
        items=tuple(
            ItemToMake(id=item.id, itemType=item.item_type, name=item.name)
            for item in order.items_of(station)
        ),
    )
