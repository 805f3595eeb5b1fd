"""The ordering workflow: from a POS's request to an order that has ended, whatever dies between.

    place    ask product-api for the items, arm the watchdog and write the indexes, save the order,
             submit it to its stations
    answered a station's answer is recorded in the order
    watch    the watchdog's timer fired: submit again, give up, or see to it that an order that
             was never saved never will be
    sweep    the second line: arm the watchdog of each recent order that is still open

Dapr keeps what must last: the order under its key with an ETag, the watchdog as a job, the events
in the broker. The decisions are pure functions in `counter.order`; the rules are DESIGN.md §3's.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from coffeeshop.concurrency import together
from coffeeshop.contracts import (
    ItemToMake,
    MenuItem,
    PlaceOrder,
    Station,
    StationAnswered,
    StationOrdered,
)
from coffeeshop.environment import Environment
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar, Store, Stored, TooManyRequests, Unavailable
from coffeeshop.transport import NoAnswer
from counter.index import Cursor, Entry, Index, Indexes, Segment, milliseconds, moment
from counter.order import (
    GRACE,
    Abandon,
    End,
    GiveUp,
    Order,
    Record,
    Resubmit,
    Tombstone,
    contradicts,
    place,
    record_answer,
    requested_types,
    watch,
)

STORE = "counter-store"
EVERYONE = Index("all", 32)
"""Of all orders."""
CUSTOMER_SHARDS = 4

BUDGET = timedelta(seconds=2)
"""An order that could not be saved this long after its request came is not saved at all."""
FIRST_ANSWERS = timedelta(milliseconds=500)
"""An order whose first questions took longer meets a shop that has more to do than it can: it is
refused while nothing of it is stored yet. Saved later it would mostly exceed the budget, and leave
a timer and index entries behind (measured with 256 connections: 1,671 of 2,770 did)."""
FIRST_WATCH = timedelta(seconds=10)
NEXT_WATCH = timedelta(seconds=20)
WATCH_RETRY = timedelta(seconds=10)
SWEEP_PERIOD = timedelta(seconds=60)
SWEEP_PAGE = 100
ATTEMPTS = 12
"""How often a change that meets another one is tried again, before the event comes again."""

LAST_SWEEP = "last-sweep"
"""The key of the last whole sweep."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that looked at all it had to."""

    began_at: datetime


_RECORDS: TypeAdapter[Record] = TypeAdapter(Record)
_SWEEPS = TypeAdapter(Sweep)
_SEGMENTS = TypeAdapter(Segment)
_MENU = TypeAdapter(tuple[MenuItem, ...])


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
    """An answer for an order that does not exist."""


@dataclass(frozen=True, slots=True)
class Page:
    orders: list[Order]
    next: Cursor | None


class Workflow:
    def __init__(self, env: Environment, log: Log) -> None:
        if not env.settings.id_secret:
            raise ValueError("counter-api needs the setting id_secret")
        self._env = env
        self._log = log
        self._secret = env.settings.id_secret.encode()
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._orders = Store(self._sidecar, STORE, _RECORDS)
        self._indexes = Indexes(Store(self._sidecar, STORE, _SEGMENTS), env.choose)
        self._sweeps = Store(self._sidecar, STORE, _SWEEPS)

    # Placing an order

    async def place(self, command: PlaceOrder, key: str | None) -> Order:
        """Place an order, or find the one that was placed with this idempotency key.

        Raises `Rejected`, `KeyReused`, `Abandoned`, `MayExist`, `TooManyRequests` and
        `Unavailable`.
        """
        now = self._now()

        def in_time() -> bool:
            return self._now() - now <= BUDGET

        order_id = self._order_id(key)
        menu, slots = await together(
            self._menu(requested_types(command)),
            self._indexes.slots(EVERYONE, self._customer(command.loyaltyMemberId)),
        )
        if self._now() - now > FIRST_ANSWERS:
            raise Unavailable("The shop is overloaded.")
        order = place(
            command,
            menu,
            order_id=order_id,
            body_hash=hashlib.sha256(command.model_dump_json().encode()).hexdigest(),
            now=now,
            deadline=self._env.settings.order_deadline,
        )
        entry = Entry(milliseconds(now), order_id)
        # Before the order is saved: an order without a watchdog or an index entry could be lost.
        await together(self._arm(order_id, FIRST_WATCH), self._indexes.add(entry, slots, in_time))
        if not in_time():
            raise Unavailable("Placing the order took too long.")
        if (stored := await self._save(order)) is not None:
            return stored
        self._log("order.placed", orderId=order_id, total=order.total, items=len(order.items))
        try:
            await self._submit(order, order.open_stations())
        except Unavailable as error:
            # The order is saved, and so it is placed: the watchdog submits it.
            self._log("order.not_submitted", level="warning", orderId=order_id, cause=str(error))
        return order

    async def _menu(self, types: tuple[int, ...]) -> dict[int, MenuItem]:
        target = f"/v1-get-items-by-types?types={','.join(map(str, types))}"
        try:
            reply = await self._sidecar.invoke("product-api", target)
            if reply.status == 200:
                return {item.itemType: item for item in _MENU.validate_json(reply.body)}
            if reply.status == 429:
                raise TooManyRequests
        except (NoAnswer, ValidationError) as error:
            raise Unavailable("The menu cannot be read.") from error
        raise Unavailable("The menu cannot be read.")

    async def _arm(self, order_id: str, due: timedelta, *, overwrite: bool = False) -> None:
        await self._sidecar.schedule(
            f"order-{order_id}", due, b"{}", retry=WATCH_RETRY, overwrite=overwrite
        )

    async def _save(self, order: Order) -> Order | None:
        """Create the order; None if it is saved now, else the same request's earlier order."""
        try:
            stored = await self._orders.create(order.id, order)
        except Unavailable as error:
            raise MayExist(order.id) from error
        if stored is None or stored.value == order:
            return None
        if isinstance(stored.value, Tombstone):
            raise Abandoned
        if stored.value.body_hash != order.body_hash:
            raise KeyReused
        return stored.value

    async def _submit(self, order: Order, stations: tuple[Station, ...]) -> None:
        """Publish what each station has to make. Raises `Unavailable`."""
        await together(*(self._submit_to(station, order) for station in stations))
        if stations:
            self._log("order.submitted", orderId=order.id, stations=list(stations))

    async def _submit_to(self, station: Station, order: Order) -> None:
        event = StationOrdered(
            orderId=order.id,
            expiresAt=order.expires_at,
            items=tuple(
                ItemToMake(id=item.id, itemType=item.item_type, name=item.name)
                for item in order.items
                if item.station == station
            ),
        )
        await self._sidecar.publish(
            f"{station}_order_placed", f"{order.id}.{station}.placed", event.to_json()
        )

    # A station's answer

    async def answered(self, answer: StationAnswered) -> None:
        """Record a station's answer. Raises `UnknownOrder`, and `Unavailable` to get it again."""
        for attempt in range(ATTEMPTS):
            await self._pause(attempt)
            stored = await self._orders.get(answer.orderId)
            if stored is None or isinstance(stored.value, Tombstone):
                raise UnknownOrder
            before = stored.value
            after = record_answer(before, answer.station, answer.items, self._now())
            if after == before:
                if contradicts(before, answer.items):
                    self._log("answer.late", level="warning", orderId=before.id)
                return
            if await self._orders.update(before.id, after, stored.etag):
                self._log(
                    "order.updated", orderId=after.id, station=answer.station, status=after.status
                )
                return
        raise Unavailable("The order is changed by too many at once.")

    # The watchdog

    async def watch(self, order_id: str) -> None:
        """The watchdog's timer fired. Raises `Unavailable` to be called again."""
        for attempt in range(ATTEMPTS):
            await self._pause(attempt)
            stored = await self._orders.get(order_id)
            match watch(stored.value if stored else None, self._now()):
                case End():
                    return
                case Abandon():
                    tombstone = Tombstone(order_id, self._now())
                    if await self._orders.create(order_id, tombstone) is None:
                        self._log("order.abandoned", level="warning", orderId=order_id)
                        return
                    # An order came first after all, or the tombstone's answer was lost.
                case GiveUp(order):
                    assert stored is not None  # noqa: S101 - only an order is given up
                    if await self._orders.update(order_id, order, stored.etag):
                        self._log("order.gave_up", level="warning", orderId=order_id)
                        return
                case Resubmit(order, stations):
                    await self._submit(order, stations)
                    # With overwrite, or the name of the job that is firing would be taken. The
                    # new job stands when this one is answered (read in go-etcd-cron).
                    await self._arm(order_id, NEXT_WATCH, overwrite=True)
                    return
        raise Unavailable("The order is changed by too many at once.")

    async def sweep(self) -> None:
        """Arm the watchdog of every recent open order again, if it is not armed: the scheduler
        may have lost its data. Recent is what can still be open, counted from the last sweep
        that was whole. Raises `Unavailable`."""
        now = self._now()
        last = await self._sweeps.get(LAST_SWEEP)
        oldest = 0
        if last is not None:
            # Counted from the last whole sweep: an outage may have kept all of a window from us.
            since = min(now, last.value.began_at)
            deadline = self._env.settings.order_deadline
            oldest = milliseconds(since - deadline - GRACE - 2 * SWEEP_PERIOD)
        cursor, more = Cursor(Entry(milliseconds(now), "")), True
        while more and cursor.limit.at > oldest:
            found = await self._indexes.before(EVERYONE, cursor, SWEEP_PAGE)
            entries = found.entries[:SWEEP_PAGE]
            if not entries:
                break
            more = not found.is_all or len(entries) == SWEEP_PAGE
            records = await self._orders.get_many([entry.id for entry in entries])
            await together(
                *(
                    self._arm(stored.value.id, FIRST_WATCH)
                    for stored in records.values()
                    if isinstance(stored.value, Order) and not stored.value.is_terminal
                )
            )
            cursor = found.after(entries[-1])
        if last is None:
            await self._sweeps.create(LAST_SWEEP, Sweep(now))
        else:
            # On a conflict another sweep has ended meanwhile: that one counts.
            await self._sweeps.update(LAST_SWEEP, Sweep(now), last.etag)

    # Questions

    async def find(self, order_id: str) -> Order | None:
        """The order, or None: a tombstone is no order. Raises `Unavailable`."""
        stored = await self._orders.get(order_id)
        return stored.value if stored and isinstance(stored.value, Order) else None

    async def page(
        self, cursor: Cursor | None, count: int, *, customer: str | None, status: str | None
    ) -> Page:
        """Up to `count` orders, newest first: of one customer, or of all. Raises `UnknownCursor`
        and `Unavailable`."""
        index = EVERYONE if customer is None else self._customer(customer)
        next_ = cursor or Cursor(Entry(milliseconds(self._now() + timedelta(days=1)), ""))
        orders: list[Order] = []
        for _ in range(ATTEMPTS):
            found = await self._indexes.before(index, next_, count)
            batch, rest = found.entries[:count], len(found.entries) > count
            records = await self._orders.get_many([entry.id for entry in batch])
            for entry in batch:
                order = _order_of(entry, records.get(entry.id))
                if order is None or customer not in (None, order.loyalty_member_id):
                    continue
                if status in (None, order.status):
                    orders.append(order)
                if len(orders) == count:
                    last = entry == batch[-1] and found.is_all and not rest
                    return Page(orders, None if last else found.after(entry))
            if found.is_all and not rest:
                return Page(orders, None)
            next_ = found.after(batch[-1])
        return Page(orders, next_)

    # Keys

    def _order_id(self, key: str | None) -> str:
        """Random, or the same for the same key of the same POS: no record of keys to lose."""
        if key is None:
            return str(UUID(bytes=self._env.entropy(16), version=4))
        return derived_id(self._secret, self._env.settings.pos_token, key)

    def _customer(self, identity: str) -> Index:
        digest = self._hmac(f"customer\n{identity}").hex()
        return Index(f"customer-{digest}", CUSTOMER_SHARDS)

    def _hmac(self, text: str) -> bytes:
        return hmac.digest(self._secret, text.encode(), "sha256")

    def _now(self) -> datetime:
        """To the millisecond, as the indexes have it."""
        return moment(milliseconds(self._env.clock()))

    async def _pause(self, attempt: int) -> None:
        """Before a change is tried again. Who met another change need not wait for it: it is
        saved. Only from the second time on there are more who meet."""
        if attempt > 1:
            await self._env.jitter()


def derived_id(secret: bytes, pos: str, key: str) -> str:
    """The order id of a POS's idempotency key: a UUID of version 8, made of an HMAC."""
    digest = bytearray(hmac.digest(secret, f"order\n{pos}\n{key}".encode(), "sha256")[:16])
    # By hand (RFC 9562, 5.8): the host's Python 3.11 knows no version above 5.
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def _order_of(entry: Entry, stored: Stored[Record] | None) -> Order | None:
    """The entry's order. A repeated request leaves entries with other times: those are skipped."""
    if stored is None or not isinstance(stored.value, Order):
        return None
    return stored.value if milliseconds(stored.value.placed_at) == entry.at else None
