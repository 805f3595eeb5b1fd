"""The ordering workflow: from a POS's request to an order that has ended, whatever dies between.

    place    ask product-api for the items, write the indexes, create the order, publish it to its
             stations
    record   a station's report is stored beside the order
    cancel   somebody changed their mind: each station decides
    sweep    every 10 s: ask silent stations again, give them up after the deadline, settle what has
             ended, and see to it that what was never saved never will be

Each document has one writer. Dapr keeps what must last: the documents with their ETags, the events
in the broker. The decisions are pure functions in `counter.order` and `counter.checks`; W1 to W19
are the rules of docs/workflow.md.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from coffeeshop.concurrency import gather_all
from coffeeshop.contracts import StationAnswered
from coffeeshop.environment import Environment
from coffeeshop.events import Delivered
from coffeeshop.index import SEGMENTS, Entry, Indexes, milliseconds, moment
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Save, Store, Stored
from coffeeshop.topics import CANCELLED, PLACED
from coffeeshop.transport import ServiceUnavailable
from counter import order as rules
from counter.announce import StationEvents
from counter.checks import Action, CreateTombstone, GiveUp, Remind, Settle, next_action
from counter.clients import Products
from counter.documents import Cancellation, Order, OrderDocument, Tombstone
from counter.ids import OrderIds
from counter.numbers import number
from counter.orders import ALL_ORDERS, STORE, Orders, cancellation_key, customer_index, report_key
from counter.outcomes import (
    Abandoned,
    KeyReused,
    OrderEnded,
    OutcomeUnknown,
    PlaceResult,
    UnknownOrder,
)
from counter.recorder import Recorder
from counter.sweep_state import (
    SWEEP_BUDGET_MS,
    SWEEP_STATE_KEY,
    SWEEP_STATES,
    OpenEntry,
    SweepLease,
    SweepState,
    batches,
    due,
)
from counter.view import OrderView, view

PLACE_BUDGET = timedelta(seconds=2)
"""An order that could not be saved this long after its request came is not saved at all (W2)."""
LOAD_SHED_AFTER = timedelta(milliseconds=500)
"""Load shedding: an order whose first calls took longer is refused while nothing of it is stored.
Saved later it would mostly exceed the budget, and leave index entries behind (measured with 256
connections: 1,671 of 2,770 did). So they are not waited for any longer, and a store that hangs
holds a place of the runtime for that time alone."""


class Workflow:
    def __init__(self, env: Environment, log: Log) -> None:
        self._env = env
        self._log = log
        self._secret = env.settings.id_secret.encode()
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        first_calls = Sidecar(
            env.transport, env.settings.sidecar_token, LOAD_SHED_AFTER.total_seconds()
        )
        self._products = Products(first_calls)
        self._first_heads = Indexes(Store(first_calls, STORE, SEGMENTS), env.choose)
        self._stations = StationEvents(sidecar, self._now, log)
        self._orders = Orders(sidecar, env.clock)
        self._recorder = Recorder(self._orders, self._stations, self._now, env.jitter, log)
        self._indexes = Indexes(Store(sidecar, STORE, SEGMENTS), env.choose)
        self._states = Store(sidecar, STORE, SWEEP_STATES)
        self._lease = SweepLease(self._states, env.entropy)
        self._ids = OrderIds(self._secret, env.settings.pos_token, env.entropy)

    # Placing an order

    async def place(self, request: rules.OrderRequest, key: str | None) -> PlaceResult:
        """Place an order, or find the one that this idempotency key has placed. Raises `Rejected`,
        `KeyReused`, `Abandoned`, `OutcomeUnknown`, `TooManyRequests` and `ServiceUnavailable`."""
        now = self._now()

        def in_time() -> bool:
            return self._now() - now <= PLACE_BUDGET

        order_id = self._ids.of(key)
        menu, (slots, known) = await gather_all(
            self._products.items(rules.requested_types(request)),
            self._first_heads.choose_heads(
                ALL_ORDERS,
                customer_index(self._secret, request.loyalty_member_id),
                also_from=self._orders.records,
                keys=[order_id] if key else [],
            ),
        )
        if (stored := known.get(order_id)) is not None:
            return await self._repeated(stored, request.body_hash)
        if self._now() - now > LOAD_SHED_AFTER:
            raise ServiceUnavailable("The shop is overloaded.")
        deadline = self._env.settings.order_deadline
        order = rules.place(request, menu, order_id=order_id, now=now, deadline=deadline)
        # W2: the index is what watches an order, so that its entry is confirmed first.
        places = await self._indexes.add(Entry(milliseconds(now), order_id), slots, in_time)
        order = replace(order, number=number(ALL_ORDERS, places[ALL_ORDERS]))
        if not in_time():
            raise ServiceUnavailable("Placing the order took too long.")
        if (stored := await self._create(order)) is not None:
            return await self._repeated(stored, request.body_hash)
        self._log("order.placed", orderId=order_id, total=order.total, stations=order.stations)
        # W4: a saved order is placed, whatever this answers.
        await self._stations.submit(order, PLACED)
        return PlaceResult(view(order, {}), is_repeat=False)

    async def _create(self, order: Order) -> Stored[OrderDocument] | None:
        """Create the order; None if it is saved now, else what stands there (W3)."""
        try:
            stored = await self._orders.records.create(order.id, order)
        except ServiceUnavailable as error:
            raise OutcomeUnknown(order.id) from error
        return None if stored is None or stored.value == order else stored

    async def _repeated(self, stored: Stored[OrderDocument], body_hash: str) -> PlaceResult:
        """The answer to a key whose id is taken (W3)."""
        record = stored.value
        if isinstance(record, Tombstone):
            raise Abandoned
        if record.body_hash != body_hash:
            raise KeyReused
        return PlaceResult(await self._orders.view(record), is_repeat=True)

    # A station's report

    async def record(self, events: Sequence[Delivered[StationAnswered]]) -> None:
        """Store stations' reports (W4, W7). Raises `ServiceUnavailable` to get all of them
        again."""
        await self._recorder.record(events)

    # Cancelling

    async def cancel(self, order_id: str) -> OrderView:
        """Ask the stations to cancel what they have not begun (W13). Raises `UnknownOrder`, after
        which there never will be one, `OrderEnded` and `ServiceUnavailable`."""
        stored = await self._orders.records.get(order_id)
        if stored is None:
            tombstone = Tombstone(order_id, self._now())
            stored = await self._orders.records.create(order_id, tombstone)
        if stored is None or isinstance(stored.value, Tombstone):
            raise UnknownOrder
        order = stored.value
        seen = await self._orders.view(order)
        if seen.is_terminal:
            raise OrderEnded(seen)
        cancellation = Cancellation(self._now())
        await self._orders.cancellations.create(cancellation_key(order.id), cancellation)
        self._log("order.cancellation_requested", orderId=order.id)
        await self._stations.submit(order, CANCELLED)
        return seen

    # The sweep

    async def sweep(self) -> int:
        """Look at what is due: entries that are new in the index, and those that were open when
        they were looked at last. Returns how many orders the sweep before this one left late.
        Raises `ServiceUnavailable`: the next sweep looks again."""
        now = milliseconds(self._now())
        heads, states = await self._indexes.heads(
            ALL_ORDERS, also_from=self._states, keys=[SWEEP_STATE_KEY]
        )
        stored = states.get(SWEEP_STATE_KEY)
        state = stored.value if stored else SweepState()
        added, positions = await self._indexes.since(ALL_ORDERS, state.positions, heads, state.room)
        entries = state.entries(added, now)
        due_now = due(entries.values(), now)
        late = len(state.late(self._now(), self._env.settings.order_deadline))
        claim = await self._lease.acquire(stored, now) if added or due_now else None
        if claim is None:
            return late
        ended: list[Order] = []
        for chunk in batches(due_now):
            if milliseconds(self._now()) - now >= SWEEP_BUDGET_MS:
                break  # what is left is still due
            try:
                still_open = await self._check_batch(chunk, ended)
            except ServiceUnavailable as error:
                self._log("sweep.incomplete", level="warning", cause=str(error))
                continue
            for entry in chunk:
                del entries[entry.id]
            entries |= {entry.id: entry for entry in still_open}
        await self._lease.save(SweepState(positions, tuple(entries.values()), now, claim))
        await self._orders.learn(ended, entries.values(), self._env.jitter)
        return late

    async def _check_batch(
        self, entries: Sequence[OpenEntry], ended: list[Order]
    ) -> list[OpenEntry]:
        """Do what is due about the entries, in bulk. Returns those that are not done (W12), and
        adds to `ended` what it settled. Raises `ServiceUnavailable`."""
        now = self._now()
        records, reports = await self._orders.with_reports([entry.id for entry in entries])
        by_kind: dict[type[Action], list[tuple[OpenEntry, Any]]] = defaultdict(list)
        for entry in entries:
            stored = records.get(entry.id)
            record = stored.value if stored else None
            each = next_action(record, reports.get(entry.id, {}), now, entry.asked_at())
            by_kind[type(each)].append((entry, each))
        return [
            *await self._create_tombstones(by_kind[CreateTombstone], now),
            *await self._settle(by_kind[Settle], records, ended),
            *await self._remind(by_kind[Remind]),
            *await self._give_up(by_kind[GiveUp], now),
        ]

    async def _create_tombstones(
        self, looks: Sequence[tuple[OpenEntry, CreateTombstone]], now: datetime
    ) -> list[OpenEntry]:
        """Create tombstones. What met an order, or was not confirmed, is looked at again."""
        there = await self._orders.records.create_all(
            {entry.id: Tombstone(entry.id, now) for entry, _ in looks}
        )
        buried = {key for key, record in there.items() if isinstance(record, Tombstone)}
        for order_id in buried:
            self._log("order.abandoned", level="warning", orderId=order_id)
        return [entry for entry, _ in looks if entry.id not in buried]

    async def _settle(
        self,
        looks: Sequence[tuple[OpenEntry, Settle]],
        records: Mapping[str, Stored[OrderDocument]],
        ended: list[Order],
    ) -> list[OpenEntry]:
        """Save ended orders with their reports. Without a confirmation they are looked at again."""
        cancelled = [(station, settle.order) for _, settle in looks for station in settle.given_up]
        still_open = [entry for entry, _ in looks]
        if not await self._stations.told(cancelled, CANCELLED):  # W11
            return still_open
        saves: list[Save[OrderDocument]] = [
            Save(entry.id, settle.order, records[entry.id].etag) for entry, settle in looks
        ]
        if not await self._orders.records.save_all(saves):
            return still_open
        ended += [settle.order for _, settle in looks]
        return []

    async def _remind(self, looks: Sequence[tuple[OpenEntry, Remind]]) -> list[OpenEntry]:
        """Publish `placed` again, and `cancelled` where that was requested (W8)."""
        keys = {cancellation_key(entry.id): ask for entry, ask in looks}
        requested = await self._orders.cancellations.get_many(list(keys))
        asks = [(key, station, ask.order) for key, ask in keys.items() for station in ask.stations]
        placed = [(station, order) for _, station, order in asks]
        cancelled = [(station, order) for key, station, order in asks if key in requested]
        confirmed = await self._stations.told(placed, PLACED)
        confirmed = confirmed and await self._stations.told(cancelled, CANCELLED)
        # W10 counts from the confirmation, not from the beginning of the look.
        now = self._now()
        for entry, ask in looks:
            self._log("order.reminded", orderId=entry.id, stations=ask.stations)
            if now > ask.order.expires_at:
                late = milliseconds(now) - milliseconds(ask.order.expires_at)
                self._log("order.late", level="warning", orderId=entry.id, seconds=late // 1000)
        return [entry.after(ask, now, confirmed=confirmed) for entry, ask in looks]

    async def _give_up(
        self, looks: Sequence[tuple[OpenEntry, GiveUp]], now: datetime
    ) -> list[OpenEntry]:
        """Create GIVEN-UP where there is no report (W10). The next look settles the order."""
        given_up = {
            report_key(entry.id, station): rules.given_up_report(give_up.order, station, now)
            for entry, give_up in looks
            for station in give_up.stations
        }
        await self._orders.reports.create_all(given_up)
        for entry, _ in looks:
            self._log("order.gave_up", level="warning", orderId=entry.id)
        return [entry for entry, _ in looks]

    def _now(self) -> datetime:
        """To the millisecond, as the indexes have it."""
        return moment(milliseconds(self._env.clock()))
