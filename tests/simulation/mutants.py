"""Mutants: faults made on purpose, to see that the simulation finds them.

Each is a change of the APIs' source, text for text. While it is planted, the functions that it
changes run its code instead of their own; nothing in apps/ knows of it.
"""

import importlib
import inspect
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coffeeshop.topics import UPDATED
from tests.simulation import shop


@dataclass(frozen=True)
class Mutant:
    """`within`: so many schedules may pass until it is found. `finds`: by which invariants."""

    name: str
    module: str
    changes: tuple[tuple[str, str], ...]
    finds: tuple[str, ...]
    within: int = 1_000
    first_seed: int = 1_000_000
    """Where the search begins: for a rare one not far from where it ends, to save test time."""
    tape: str | None = None
    """Of a fault that was real: the tape that found it, in tapes/. The search would take long."""
    subscribes_to_dead_orders: bool = False


class Moved(Exception):
    """The source is not what the plant was written for: write the mutant again."""


def patched(mutant: Mutant) -> str:
    """The module's source with the fault. Raises `Moved`."""
    module = importlib.import_module(mutant.module)
    source = Path(str(module.__file__)).read_text()
    for old, new in mutant.changes:
        if source.count(old) != 1:
            raise Moved(
                f"{mutant.name}: {mutant.module} has this {source.count(old)} times:\n{old}"
            )
        source = source.replace(old, new)
    return source


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """The APIs with the fault. Raises `Moved`."""
    module = importlib.import_module(mutant.module)
    scratch: dict[str, Any] = {"__name__": mutant.module, "__file__": module.__file__}
    exec(compile(patched(mutant), str(module.__file__), "exec"), scratch)  # noqa: S102 - ours
    changed = [
        (own, own.__code__, new.__code__)
        for own, new in _functions(vars(module), scratch, mutant.module)
        if _differs(own.__code__, new.__code__)
    ]
    configuration = shop.CONFIGURATION
    subscriptions = configuration.subscriptions
    dead = [
        replace(each, app="counter-api", topic=each.dead_letter_topic, dead_letter_topic=None)
        for each in subscriptions
        if each.dead_letter_topic and each.topic.endswith("_placed")
    ]
    dead = [replace(each, route=UPDATED.route(each.topic.partition("_")[0])) for each in dead]
    if not changed:
        raise Moved(f"{mutant.name} changes no function")
    try:
        for own, _, new_code in changed:
            own.__code__ = new_code
        if mutant.subscribes_to_dead_orders:
            shop.CONFIGURATION = replace(configuration, subscriptions=(*subscriptions, *dead))
        yield
    finally:
        shop.CONFIGURATION = configuration
        for own, own_code, _ in changed:
            own.__code__ = own_code


def _functions(
    own: dict[str, Any], new: dict[str, Any], module: str
) -> Iterator[tuple[types.FunctionType, types.FunctionType]]:
    for name, value in list(own.items()):
        other = new.get(name)
        if isinstance(value, types.FunctionType) and isinstance(other, types.FunctionType):
            if value.__module__ == module:
                yield value, other
        elif inspect.isclass(value) and inspect.isclass(other) and value.__module__ == module:
            yield from _functions(dict(vars(value)), dict(vars(other)), module)


def _differs(one: types.CodeType, other: types.CodeType) -> bool:
    """By what they do; where in the file they stand does not count."""
    if (one.co_code, one.co_names, one.co_varnames) != (
        other.co_code,
        other.co_names,
        other.co_varnames,
    ):
        return True
    if len(one.co_consts) != len(other.co_consts):
        return True
    return any(
        _differs(a, b)
        if isinstance(a, types.CodeType) and isinstance(b, types.CodeType)
        else a != b
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


WORKFLOW, ORDER, LOOKS = "counter.workflow", "counter.order", "counter.checks"
STATION, ANNOUNCE, IDS = "station.api", "counter.announce", "counter.ids"
LATENESS, EVENTS = "station.lateness", "coffeeshop.events"
DESK, TICKETS, STAFF, BOARD = "station.desk", "station.tickets", "station.handlers", "station.board"
NUMBERS, PICKUP, VIEW = "counter.numbers", "counter.pickup", "counter.view"
STORE, INDEX = "coffeeshop.store", "coffeeshop.index"

_DOUBT = "    if doubtful or any(is_old(each.sent_at, now) for each in orders.values()):\n"

_INDEX = """\
        places = await self._indexes.add(Entry(milliseconds(now), order_id), slots, in_time)
        order = replace(order, number=number(ALL_ORDERS, places[ALL_ORDERS]))
"""
_BUDGET = """\
        if not in_time():
            raise ServiceUnavailable("Placing the order took too long.")
"""
_CREATE = """\
        if (stored := await self._create(order)) is not None:
            return await self._repeated(stored, request.body_hash)
"""
_DECIDE = """\
            recorded |= await self._records.create_all(fresh)
"""
_PUT_UP = """\
            await self._desk.put_up(fresh.values())
"""
_CHANGE = """\
        before, after = await self.tickets.change(key, change_stored, self._env.jitter)
"""
_READ_AND_CHANGE = """\
        stored = await self.tickets.get(key)
        before = stored.value if stored else None
        after = change_stored(before)
"""
_MOVING = "if item.status in _FROM[action.to]}\n"
_GIVE_UP = "    if is_last and asked is not None and now >= asked + REMINDER_TIMEOUT:\n"
_SETTLED = "        final = tuple(reports[station] for station in record.stations)\n"
_NEWER = """\
    if stored.final or not (report.final or report.sequence > stored.sequence):
        return None
"""

MUTANTS = (
    Mutant(
        "published before the save",
        WORKFLOW,
        (
            (
                _CREATE,
                "        await self._stations.tell(order, order.stations, PLACED)\n" + _CREATE,
            ),
        ),
        ("G8",),
    ),
    Mutant(
        "the index is written after the save",
        WORKFLOW,
        ((_INDEX, ""), (_CREATE, _CREATE + _INDEX)),
        ("G10", "G11"),
    ),
    Mutant(
        "the index is not confirmed before the save",
        INDEX,
        (
            (
                "            if await self._store.save_all(saves):\n",
                "            if await self._store.save_all(saves) or True:\n",
            ),
        ),
        ("G10", "G11"),
    ),
    Mutant(
        "the budget is not checked",
        WORKFLOW,
        (
            (_BUDGET, ""),
            (_INDEX, _INDEX.replace("in_time", "lambda: True")),
            (
                "        if self._now() - now > LOAD_SHED_AFTER:\n"
                '            raise ServiceUnavailable("The shop is overloaded.")\n',
                "",
            ),
        ),
        ("G13",),
        3_000,
    ),
    Mutant(
        "an update forgets its ETag",
        STORE,
        (
            (
                "self._body(Save(key, value, etag)), accept",
                'self._body(Save(key, value)).replace(b"first", b"last"), accept',
            ),
        ),
        ("G3", "G2", "G4", "G10", "G11"),
    ),
    Mutant(
        "no tombstone",
        WORKFLOW,
        (
            (
                "        there = await self._orders.records.create_all(\n"
                "            {entry.id: Tombstone(entry.id, now) for entry, _ in looks}\n"
                "        )\n",
                "        there = {entry.id: Tombstone(entry.id, now) for entry, _ in looks}\n",
            ),
        ),
        ("G11",),
    ),
    Mutant(
        "a tombstone's conflict is taken for done",
        WORKFLOW,
        (
            (
                "        return [entry for entry, _ in looks if entry.id not in buried]\n",
                "        return []\n",
            ),
        ),
        ("G11",),
        first_seed=1_003_400,
    ),
    Mutant(
        "an unknown create is published",
        WORKFLOW,
        (("            raise OutcomeUnknown(order.id) from error\n", "            return None\n"),),
        ("G8", "G1", "G13"),
    ),
    Mutant(
        "an unknown create is a plain 503",
        WORKFLOW,
        (("            raise OutcomeUnknown(order.id) from error\n", "            raise\n"),),
        ("G13",),
        3_000,
    ),
    Mutant(
        "the body is not compared",
        WORKFLOW,
        (
            (
                "        if record.body_hash != body_hash:\n            raise KeyReused\n",
                "",
            ),
        ),
        ("G6",),
    ),
    Mutant(
        "a repeat of the key is a new order",
        IDS,
        (("        if key is None:\n", "        if key is None or key:\n"),),
        ("G6",),
    ),
    Mutant(
        "an abandoned key is placed again",
        WORKFLOW,
        (
            (
                _CREATE,
                "        stored = await self._create(order)\n"
                "        if stored is not None and isinstance(stored.value, Tombstone):\n"
                "            await self._orders.records.update(order.id, order, stored.etag)\n"
                "        elif stored is not None:\n"
                "            return await self._repeated(stored, request.body_hash)\n",
            ),
            (
                "        if (stored := known.get(order_id)) is not None:\n",
                "        if (stored := known.get(order_id)) and isinstance(stored.value, Order):\n",
            ),
        ),
        ("G7",),
    ),
    Mutant(
        "made before the record is confirmed",
        STATION,
        (
            (
                _DECIDE,
                "            for record in fresh.values():\n"
                "                self._desk.log_decided(record)\n" + _DECIDE,
            ),
        ),
        ("G4",),
    ),
    Mutant(
        "a second make on a duplicate",
        STATION,
        (
            (
                "            if recorded.get(key) == ticket:\n",
                "            if key in recorded:\n",
            ),
        ),
        ("G4",),
    ),
    Mutant(
        "a report is published without being recorded",
        STATION,
        ((_DECIDE, "            recorded |= fresh\n"),),
        ("G4",),
    ),
    Mutant(
        "the expiry is looked at before the record",
        STATION,
        (
            (
                "        recorded = {key: stored.value for key, stored in known.items()}\n",
                "        now = self._env.clock()\n"
                "        late = [e.event for e in by_key.values() if now > e.event.expiresAt]\n"
                "        recorded = {key: stored.value for key, stored in known.items()} | {\n"
                "            ticket_key(order.orderId): decide(order, self._station, frozenset(), "
                "now, partial(make_id, self._env), is_late=True)\n"
                "            for order in late\n"
                "        }\n",
            ),
        ),
        ("G4", "G5"),
    ),
    Mutant(
        "a cancelled order is made all the same",
        STATION,
        (
            (
                "lambda order: cancelled(order, self._station, now)",
                "lambda order: decide(order, self._station, frozenset(), now, "
                "partial(make_id, self._env), is_late=False)",
            ),
        ),
        ("G5", "G16"),
    ),
    Mutant(
        "a final report is overwritten",
        ORDER,
        (
            (
                _NEWER,
                "    if not (report.final or report.sequence > stored.sequence):\n"
                "        return None\n",
            ),
        ),
        ("G3",),
        3_000,
    ),
    Mutant(
        "a higher number is lost",
        ORDER,
        ((_NEWER, "    if stored.final or not report.final:\n        return None\n"),),
        ("G15",),
    ),
    Mutant(
        "a lower number wins",
        ORDER,
        ((_NEWER, "    if stored.final:\n        return None\n"),),
        ("G3",),
        3_000,
    ),
    Mutant(
        "no question while accepted",
        LOOKS,
        (
            (
                "    return Remind(record, still_open, is_last)\n",
                "    return Remind(record, silent, is_last)\n",
            ),
        ),
        ("G2",),
        10_000,
    ),
    Mutant(
        "the deadline has no grace",
        LOOKS,
        (
            ("now > record.expires_at + GRACE_PERIOD\n", "now > record.expires_at\n"),
            ("    due = record.expires_at + GRACE_PERIOD +", "    due = record.expires_at +"),
        ),
        ("G9",),
    ),
    Mutant(
        "given up in one step",
        LOOKS,
        ((_GIVE_UP, "    if is_last:\n"),),
        ("G9",),
    ),
    Mutant(
        "given up is settled without cancel",
        WORKFLOW,
        (
            (
                "        if not await self._stations.told(cancelled, CANCELLED):  # W11\n"
                "            return still_open\n",
                "",
            ),
        ),
        ("G9",),
        first_seed=1_001_000,
    ),
    Mutant(
        "a sweep goes by time",
        WORKFLOW,
        (
            (
                "        entries = state.entries(added, now)\n",
                "        entries = state.entries([e for e in added if e.at > now - 15_000], now)\n",
            ),
        ),
        ("G11",),
    ),
    Mutant(
        "a conflict while settling is taken for done",
        WORKFLOW,
        (
            (
                "        if not await self._orders.records.save_all(saves):\n",
                "        if not [await self._orders.records.save_all(saves)]:\n",
            ),
        ),
        ("G11",),
    ),
    Mutant(
        "a settled order is opened again",
        LOOKS,
        ((" or record.settled is not None:\n", ":\n"),),
        ("G3", "G11"),
    ),
    Mutant(
        "two sweeps settle different things",
        LOOKS,
        (
            (
                _SETTLED,
                "        final = tuple(\n"
                "            replace(reports[s], recorded_at=now) for s in record.stations\n"
                "        )\n",
            ),
        ),
        ("G3",),
    ),
    Mutant(
        "an order is settled before its reports are final",
        LOOKS,
        (
            (
                "    if not (still_open := unfinished_stations(record, reports)):\n",
                "    still_open = unfinished_stations(record, reports)\n"
                "    if all(station in reports for station in record.stations):\n",
            ),
        ),
        ("G3", "G17"),
    ),
    Mutant(
        "the sweep forgets what is open",
        WORKFLOW,
        (
            (
                "            entries |= {entry.id: entry for entry in still_open}\n",
                "",
            ),
        ),
        ("G11",),
    ),
    Mutant(
        "a save without an answer counts as saved",
        STORE,
        (
            (
                "        except NoAnswer:\n            reply = None\n",
                "        except NoAnswer:\n            return None\n",
            ),
        ),
        ("G1", "G2", "G4", "G8", "G9", "G10", "G11"),
    ),
    Mutant(
        "a cancellation is published before it is stored",
        WORKFLOW,
        (
            (
                "        await self._orders.cancellations.create("
                "cancellation_key(order.id), cancellation)\n",
                "        await self._stations.tell(order, order.stations, CANCELLED)\n"
                "        await self._orders.cancellations.create("
                "cancellation_key(order.id), cancellation)\n",
            ),
        ),
        ("G9",),
    ),
    Mutant(
        "a cancellation that finds no order leaves no tombstone",
        WORKFLOW,
        (
            (
                "            stored = await self._orders.records.create(order_id, tombstone)\n",
                "            raise UnknownOrder\n",
            ),
        ),
        ("G7", "G1"),
        5_000,
    ),
    Mutant(
        "a dead letter is a verdict",
        EVENTS,
        (
            (
                "        return Delivered(model.model_validate(data), trace, "
                "_moment(event.time))\n",
                "        if 'OrderUpdated' in path and 'expiresAt' in data:\n"
                "            failed = {'status': 'FAILED', 'reason': 'dead', 'makeId': None}\n"
                "            items = [{**item, **failed} for item in data['items']]\n"
                "            place = path.split('_')[2][:7].lower()\n"
                "            data = {**data, 'station': place, 'items': items}\n"
                "            data['answeredAt'] = data['expiresAt']\n"
                "        return Delivered(model.model_validate(data), trace)\n",
            ),
        ),
        ("G5",),
        3_000,
        subscribes_to_dead_orders=True,
    ),
    Mutant(
        "a question has a deadline of its own",
        ANNOUNCE,
        (
            (
                "        expiresAt=order.expires_at,\n",
                "        expiresAt=order.expires_at + (order.expires_at - order.placed_at),\n",
            ),
        ),
        ("G9",),
    ),
    Mutant(
        "a station believes its own clock that it is too late",
        LATENESS,
        ((_DOUBT, "    if False:\n"),),
        ("G5",),
    ),
    Mutant(
        "how long an order is wanted counts from when it comes",
        LATENESS,
        (
            (
                "    return order.secondsLeft - max(0, (now - sent_at).total_seconds())\n",
                "    return order.secondsLeft\n",
            ),
        ),
        ("G5",),
    ),
    Mutant(
        "a reminder says how long the order was wanted at first",
        ANNOUNCE,
        (
            (
                "        secondsLeft=(order.expires_at - now).total_seconds(),\n",
                "        secondsLeft=(order.expires_at - order.placed_at).total_seconds(),\n",
            ),
        ),
        ("G9",),
    ),
    Mutant(
        "a plain gather",
        "coffeeshop.concurrency",
        (
            (
                "results = await asyncio.gather(*calls, return_exceptions=True)",
                "results = await asyncio.gather(*calls)",
            ),
        ),
        ("G14",),
    ),
    Mutant(
        "a full head is not copied",
        INDEX,
        (
            (
                "            await self._store.create("
                + "slot.index.key(slot.shard, segment.number), segment)\n",
                "",
            ),
        ),
        ("G10", "G14", "G2"),
        first_seed=1_000_650,
    ),
    Mutant(
        "an empty bulk reply is an empty list",
        STORE,
        (("_BULK.validate_json(reply.body)", '_BULK.validate_json(reply.body or b"[]")'),),
        ("G10", "G11", "G1"),
        20_000,
    ),
    Mutant(
        "a cancelled item is started",
        TICKETS,
        (
            (
                _MOVING,
                "if item.status in _FROM[action.to] or item.status is CANCELLED}\n",
            ),
        ),
        ("G4", "G16", "G18"),
        5_000,
    ),
    Mutant(
        "a started item is cancelled",
        TICKETS,
        (("if item.status is QUEUED}\n", "if item.status in OPEN}\n"),),
        ("G16", "G18"),
        3_000,
    ),
    Mutant(
        "what is ready can still fail",
        TICKETS,
        ((_MOVING, "if item.status in _FROM[action.to] or action.to is FAILED}\n"),),
        ("G4", "G18"),
        5_000,
    ),
    Mutant(
        "a double tap makes twice",
        TICKETS,
        ((_MOVING, "if item.status in _FROM[action.to] or item.status is action.to}\n"),),
        ("G4", "G18"),
    ),
    Mutant(
        "a tap is answered before it is saved",
        DESK,
        (
            (
                _CHANGE,
                _READ_AND_CHANGE + "        await self.tickets.update(key, after, stored.etag)\n",
            ),
        ),
        ("G18", "G4"),
        3_000,
    ),
    Mutant(
        "a tap that was lost is answered as done",
        DESK,
        (
            (
                _CHANGE,
                _READ_AND_CHANGE,
            ),
        ),
        ("G4", "G18"),
    ),
    Mutant(
        "a tap does not look at what was seen",
        STAFF,
        (
            (
                "            if not seen(ticket) and not repeats(ticket, action):\n",
                "            if False:\n",
            ),
        ),
        ("G18",),
        5_000,
    ),
    Mutant(
        "every report has the first number",
        TICKETS,
        (("        sequence=ticket.sequence,\n", "        sequence=1,\n"),),
        ("G4", "G5", "G15", "G2"),
    ),
    Mutant(
        "a change is reported before it is saved",
        DESK,
        (
            (
                _CHANGE,
                _READ_AND_CHANGE + "        await self.report([after])\n" + _CHANGE,
            ),
        ),
        ("G4",),
    ),
    Mutant(
        "a lost report is never caught up",
        STATION,
        (
            (
                "        await self._desk.report(recorded.values(), traces)\n",
                "        first = [t for t in recorded.values() if t.sequence < 2]\n"
                "        await self._desk.report(first, traces)\n",
            ),
        ),
        ("G2", "G16"),
        5_000,
    ),
    Mutant(
        "a ticket is saved before it is in the index",
        STATION,
        ((_PUT_UP, ""), (_DECIDE, _DECIDE + _PUT_UP)),
        ("G19",),
    ),
    Mutant(
        "a ticket that is not there yet is forgotten",
        BOARD,
        (
            (
                "        return milliseconds(now) - entry.at < ABSENT_MS\n",
                "        return False\n",
            ),
        ),
        ("G19",),
        20_000,
    ),
    Mutant(
        "a ticket whose time is over is decided again",
        STATION,
        (
            (
                "        now = self._env.clock()\n        fresh = ",
                "        now = self._env.clock()\n"
                "        known = {\n"
                "            key: stored\n"
                "            for key, stored in known.items()\n"
                "            if stored.value.final or now <= by_key[key].event.expiresAt\n"
                "        }\n"
                "        fresh = ",
            ),
            (
                _DECIDE,
                "            recorded |= await self._records.create_all(fresh)\n"
                "            recorded |= {k: t for k, t in fresh.items() if t.final}\n",
            ),
        ),
        ("G4", "G5", "G18"),
        20_000,
    ),
    Mutant(
        "a number is its shard's own",
        NUMBERS,
        (("place.turn % TURNS * index.shards + place.shard + 1", "place.turn % TURNS + 1"),),
        ("G20",),
    ),
    Mutant(
        "a shard's turn is not counted",
        INDEX,
        (
            (
                "        turns = segment.turn(added[0].at) + len(added)\n",
                "        turns = segment.turns or 1\n",
            ),
        ),
        ("G20",),
    ),
    Mutant(
        "an entry that was not confirmed has the turn after its own",
        INDEX,
        (
            (
                "Place(slot.shard, head.value.turns - after)",
                "Place(slot.shard, head.value.turns)",
            ),
        ),
        ("G20",),
        5_000,
    ),
    Mutant(
        "an accepted order ends at its deadline",
        LOOKS,
        (
            (
                "    if not (still_open := unfinished_stations(record, reports)):\n",
                "    still_open = unfinished_stations(record, reports)\n"
                "    over = now > record.expires_at and {*record.stations} <= {*reports}\n"
                "    if not still_open or over:\n",
            ),
        ),
        ("G17",),
        5_000,
    ),
    Mutant(
        "what is not ready is handed over",
        PICKUP,
        (
            (
                "        if is_ready(each) and each.order.id not in collected",
                "        if each.is_terminal and each.order.id not in collected",
            ),
            ("        if not is_ready(seen):\n", "        if not seen.is_terminal:\n"),
        ),
        ("G21",),
    ),
    Mutant(
        "what was collected is called out",
        PICKUP,
        (("        self._collected |= {keys[key] for key in found}\n", ""),),
        ("G21",),
    ),
    Mutant(
        "an open order is called out for as long as it is among the newest",
        PICKUP,
        (
            (
                "        waiting = [each.id for each in still_open if each.at > since][:SHOWN]\n",
                "        waiting, newest = [], newest[:1]\n",
            ),
        ),
        ("G21",),
    ),
    Mutant(
        "what was cancelled is due",
        VIEW,
        (("outcome.status is ItemStatus.READY\n", "outcome.status is not ItemStatus.FAILED\n"),),
        ("G22",),
        3_000,
    ),
    Mutant(
        "some of it is as good as none",
        VIEW,
        (("    if order.number is None:\n", "    if order.number:\n"),),
        ("G3", "G21"),
    ),
)
"""Planted one at a time."""


def mutant_named(name: str) -> Mutant:
    """Raises ValueError that names all of them."""
    for mutant in MUTANTS:
        if mutant.name == name:
            return mutant
    raise ValueError("The planted faults are: " + "; ".join(mutant.name for mutant in MUTANTS))
