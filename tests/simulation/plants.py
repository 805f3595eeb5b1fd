"""Faults planted on purpose, to see that the simulation finds them.

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

from tests.simulation import shop


@dataclass(frozen=True)
class Plant:
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
    """The source is not what the plant was written for: write the plant anew."""


def patched(plant: Plant) -> str:
    """The module's source with the fault. Raises `Moved`."""
    module = importlib.import_module(plant.module)
    source = Path(str(module.__file__)).read_text()
    for old, new in plant.changes:
        if source.count(old) != 1:
            raise Moved(f"{plant.name}: {plant.module} has this {source.count(old)} times:\n{old}")
        source = source.replace(old, new)
    return source


@contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """The APIs with the fault. Raises `Moved`."""
    module = importlib.import_module(plant.module)
    scratch: dict[str, Any] = {"__name__": plant.module}
    exec(compile(patched(plant), str(module.__file__), "exec"), scratch)  # noqa: S102 - ours
    changed = [
        (own, own.__code__, new.__code__)
        for own, new in _functions(vars(module), scratch, plant.module)
        if _differs(own.__code__, new.__code__)
    ]
    configuration = shop.CONFIGURATION
    subscriptions = configuration.subscriptions
    dead = [
        replace(each, app="counter-api", topic=each.dead_letter_topic, dead_letter_topic=None)
        for each in subscriptions
        if each.dead_letter_topic and each.topic.endswith("_placed")
    ]
    dead = [
        replace(each, route=f"/dapr_subscribe_{each.topic.split('_')[0].capitalize()}OrderUpdated")
        for each in dead
    ]
    if not changed:
        raise Moved(f"{plant.name} changes no function")
    try:
        for own, _, new_code in changed:
            own.__code__ = new_code
        if plant.subscribes_to_dead_orders:
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


WORKFLOW, STATION, ORDER = "counter.workflow", "coffeeshop.station", "counter.order"
SIDECAR, INDEX, API = "coffeeshop.sidecar", "counter.index", "counter.api"

_ARM_AND_INDEX = """\
        await together(self._arm(order_id, FIRST_WATCH), self._indexes.add(entry, slots, in_time))
"""
_SAVE = """\
        if (stored := await self._save(order)) is not None:
            return stored
"""
_TOMBSTONE = """\
                    tombstone = Tombstone(order_id, self._now())
                    if await self._orders.create(order_id, tombstone) is None:
                        self._log("order.abandoned", level="warning", orderId=order_id)
                        return
"""
_REARM = "                    await self._arm(order_id, NEXT_WATCH, overwrite=True)\n"

PLANTS = (
    Plant(
        "publish before save",
        WORKFLOW,
        ((_SAVE, "        await self._submit(order, order.open_stations())\n" + _SAVE),),
        ("G8",),
    ),
    Plant(
        "an answer is saved without its ETag",
        SIDECAR,
        (
            (
                "self._body(Save(key, value, etag)), accept",
                'self._body(Save(key, value)).replace(b"first", b"last"), accept',
            ),
        ),
        ("G3", "G2", "G10"),
    ),
    Plant(
        "the job is armed after the save",
        WORKFLOW,
        (
            (
                _ARM_AND_INDEX,
                _ARM_AND_INDEX.replace("self._arm(order_id, FIRST_WATCH), ", ""),
            ),
            (_SAVE, _SAVE + "        await self._arm(order_id, FIRST_WATCH)\n"),
        ),
        ("G11",),
    ),
    Plant(
        "no tombstone",
        WORKFLOW,
        ((_TOMBSTONE, "                    return\n"),),
        ("G11",),
    ),
    Plant(
        "a tombstone that meets an order does not look again",
        WORKFLOW,
        (
            (
                _TOMBSTONE,
                _TOMBSTONE.replace(
                    " is None:",
                    " is not None:\n                        return\n                    else:",
                ),
            ),
        ),
        ("G11",),
        first_seed=2_001_000,
    ),
    Plant(
        "the first arming overwrites",
        WORKFLOW,
        (
            (
                "self._arm(order_id, FIRST_WATCH),",
                "self._arm(order_id, FIRST_WATCH, overwrite=True),",
            ),
        ),
        ("G2",),
    ),
    Plant(
        "the index is written after the save",
        WORKFLOW,
        (
            (_ARM_AND_INDEX, "        await self._arm(order_id, FIRST_WATCH)\n"),
            (
                _SAVE,
                _SAVE + "        await self._indexes.add(entry, slots, in_time)\n",
            ),
        ),
        ("G10",),
    ),
    Plant(
        "the deadline has no grace",
        ORDER,
        (("if now > record.expires_at + GRACE:", "if now > record.expires_at:"),),
        ("G9",),
    ),
    Plant(
        "the expiry is looked at before the record",
        STATION,
        (
            (
                "        answer = known.value if known else await self._make(order, sold_out)\n",
                "        answer = known.value if known else await self._make(order, sold_out)\n"
                "        now = self._env.clock()\n"
                "        if now > order.expiresAt:\n"
                "            nothing = frozenset()\n"
                "            answer = decide(order, self._station, nothing, now, self._make_id)\n",
            ),
        ),
        ("G4", "G5"),
    ),
    Plant(
        "a second make on a duplicate",
        STATION,
        (
            (
                "        answer = known.value if known else await self._make(order, sold_out)\n",
                "        answer = await self._make(order, sold_out)\n",
            ),
            (
                "        if stored is not None and stored.value != answer:\n"
                "            return stored.value\n",
                "        if stored is not None:\n            answer = stored.value\n",
            ),
        ),
        ("G4",),
    ),
    Plant(
        "made before the record is confirmed",
        STATION,
        (
            (
                "        stored = await self._answers.create(_key(order.orderId), answer)\n",
                "        made = answer.items[0].makeId\n"
                '        self._log("item.made", orderId=answer.orderId, makeId=made)\n'
                "        stored = await self._answers.create(_key(order.orderId), answer)\n",
            ),
        ),
        ("G4",),
    ),
    Plant(
        "a terminal status can change",
        ORDER,
        (
            ("    if order.is_terminal:\n        return order\n", ""),
            (" or item.status is not ItemStatus.PLACED:", ":"),
        ),
        ("G3",),
        3_000,
    ),
    Plant(
        "the body is not compared",
        WORKFLOW,
        (
            (
                "        if stored.value.body_hash != order.body_hash:\n"
                "            raise KeyReused\n",
                "",
            ),
        ),
        ("G6",),
    ),
    Plant(
        "the sweep looks back less than the deadline",
        WORKFLOW,
        (
            (
                "oldest = milliseconds(since - deadline - GRACE - 2 * SWEEP_PERIOD)",
                "oldest = milliseconds(now - timedelta(seconds=5))",
            ),
        ),
        ("G2", "G11"),
        5_000,
    ),
    Plant(
        "the watchdog ends after one look",
        WORKFLOW,
        ((_REARM, ""),),
        ("G11",),
    ),
    Plant(
        "the watchdog re-arms without overwrite",
        WORKFLOW,
        ((_REARM, _REARM.replace(", overwrite=True", "")),),
        ("G11",),
    ),
    Plant(
        "a save without an answer counts as saved",
        SIDECAR,
        (
            (
                "        except NoAnswer:\n            reply = None\n",
                "        except NoAnswer:\n            return None\n",
            ),
        ),
        ("G1", "G2", "G4", "G8", "G10"),
    ),
    Plant(
        "a repeat of the key is a new order",
        WORKFLOW,
        (("        if key is None:\n", "        if key is None or key:\n"),),
        ("G6",),
    ),
    Plant(
        "an abandoned key is placed anew",
        WORKFLOW,
        (
            (
                "            raise Abandoned\n",
                "            await self._orders.update(order.id, order, stored.etag)\n"
                "            return None\n",
            ),
        ),
        ("G7",),
    ),
    Plant(
        "an answer is published without being recorded",
        STATION,
        (
            (
                "        stored = await self._answers.create(_key(order.orderId), answer)\n",
                "        stored = None\n",
            ),
        ),
        ("G4",),
    ),
    Plant(
        "a dead letter is a verdict",
        API,
        (
            (
                "        if event is None:\n            return dropped()\n",
                "        if event is None:\n"
                "            data = (await request.json(contracts.CloudEvent)).data\n"
                "            station = request.path.split('_')[2][:7].lower()\n"
                "            failed = {'status': 'FAILED', 'reason': 'dead', 'makeId': None}\n"
                "            items = [{**item, **failed} for item in data['items']]\n"
                "            data = {**data, 'station': station, 'items': items}\n"
                "            data['answeredAt'] = data['expiresAt']\n"
                "            event = contracts.StationAnswered.model_validate(data)\n",
            ),
        ),
        ("G5",),
        3_000,
        subscribes_to_dead_orders=True,
    ),
    Plant(
        "a job is deleted after a 422",
        API,
        (
            (
                "        except KeyReused:\n",
                "        except KeyReused:\n"
                "            name = f'order-{self._workflow._order_id(key)}'\n"
                "            await self._workflow._sidecar.call('DELETE', f'/v1.0/jobs/{name}')\n",
            ),
        ),
        ("G11",),
    ),
    Plant(
        "a resubmission has a deadline of its own",
        WORKFLOW,
        (
            (
                "            expiresAt=order.expires_at,\n",
                "            expiresAt=self._now() + self._env.settings.order_deadline,\n",
            ),
        ),
        ("G9",),
    ),
    Plant(
        "an unknown save is a plain 503",
        WORKFLOW,
        (("            raise MayExist(order.id) from error\n", "            raise\n"),),
        ("G13",),
    ),
    Plant(
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
    Plant(
        "a full head is not copied",
        INDEX,
        (
            (
                "            await self._store.create("
                + "slot.index.key(slot.shard, segment.number), segment)\n",
                "",
            ),
        ),
        ("G10", "G14"),
        3_000,
    ),
    Plant(
        "an index conflict is not looked at",
        INDEX,
        (
            (
                "            if await self._store.save_all(saves):\n",
                "            if await self._store.save_all(saves) or True:\n",
            ),
        ),
        ("G10",),
    ),
    Plant(
        "an empty bulk reply is an empty list",
        SIDECAR,
        (("_BULK.validate_json(reply.body)", '_BULK.validate_json(reply.body or b"[]")'),),
        ("G10",),
        tape="empty-bulk-reply",
    ),
    Plant(
        "the sweep forgets what an outage kept it from",
        WORKFLOW,
        (
            ("        oldest = 0\n        if last is not None:\n", "        if True:\n"),
            ("since = min(now, last.value.began_at)", "since = now"),
        ),
        ("G2",),
        tape="sweep-after-a-long-outage",
    ),
)
"""Planted one at a time. The last ones were real: see tapes/."""


def plant_named(name: str) -> Plant:
    """Raises ValueError that names all of them."""
    for plant in PLANTS:
        if plant.name == name:
            return plant
    raise ValueError("The planted faults are: " + "; ".join(plant.name for plant in PLANTS))
