"""What a sidecar does, as cases that run against the simulated one and against the real daprd.

A case talks to a bench and returns what it saw; beside it stands what it must see. The bench is
either the simulation or real processes, with small scripted APIs behind the sidecars, and both
read the same resource files: those of the shop, with short times.
"""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import yaml

from coffeeshop.http import Response
from coffeeshop.transport import Call, NoAnswer, Reply
from tests.dapr.configuration import Configuration, read_configuration
from tests.dapr.services import BackingServices
from tests.dapr.sidecar import Sidecar
from tests.simulation.tape import Tape
from tests.simulation.world import Answer, App, World

CLOUDEVENT = "application/cloudevents+json"
TOPIC = "kitchen_order_updated"
DEAD = "dead"
DEAD_ROUTE = "/dapr_subscribe_dead"
"""Of its own, for a dead letter says nothing about itself: it is the event as it was."""
RETRIES = 3
DELIVERY_TIMEOUT = 2
PROCESSING_TIMEOUT = 6
SWEEP = 3

Json = Any


def shorten(folder: Path) -> None:
    """Make the waiting times of the resource files short enough for a test."""

    def change(name: str, edit: Callable[[Json], None]) -> None:
        document = yaml.safe_load((folder / name).read_text())
        edit(document)
        (folder / name).write_text(yaml.safe_dump(document))

    def resiliency(document: Json) -> None:
        policies = document["spec"]["policies"]
        policies["timeouts"]["delivery"] = f"{DELIVERY_TIMEOUT}s"
        policies["retries"]["delivery"] |= {"maxInterval": "1s", "maxRetries": RETRIES}

    def broker(document: Json) -> None:
        for entry in document["spec"]["metadata"]:
            if entry["name"] == "processingTimeout":
                entry["value"] = f"{PROCESSING_TIMEOUT}s"
            if entry["name"] == "redeliverInterval":
                entry["value"] = "500"

    def sweep(document: Json) -> None:
        for entry in document["spec"]["metadata"]:
            if entry["name"] == "schedule":
                entry["value"] = f"@every {SWEEP}s"

    change("resiliency.yaml", resiliency)
    change("pubsub.yaml", broker)
    change("deadletters.yaml", broker)

    def dead_letters(document: Json) -> None:
        document["spec"]["routes"]["default"] = DEAD_ROUTE

    def one_by_one(document: Json) -> None:
        del document["spec"]["bulkSubscribe"]

    def in_bulk(document: Json) -> None:
        document["spec"]["bulkSubscribe"]["maxAwaitDurationMs"] = 300

    change("subscription-kitchen-order-updated.yaml", one_by_one)
    change("subscription-kitchen-order-placed.yaml", one_by_one)
    change("subscription-barista-order-placed.yaml", one_by_one)
    change("subscription-barista-order-updated.yaml", in_bulk)
    change("sweep.yaml", sweep)
    change("subscription-kitchen-order-updated-dead.yaml", dead_letters)


# What the scripted APIs do


@dataclass(frozen=True)
class Does:
    """How an API answers one request: after `after` seconds, with a status or by hanging up."""

    status: int = 204
    body: bytes = b""
    after: float = 0
    hangs_up: bool = False
    date: str = ""
    """The answer's `Date`, instead of the time."""
    statuses: tuple[str, ...] = ()
    """Of the events of a bulk delivery, sorted by their ids."""

    def answer(self, request: bytes) -> bytes:
        """The body of the answer."""
        if not self.statuses:
            return self.body
        entries = sorted(json.loads(request)["entries"], key=lambda entry: entry["event"]["id"])
        told = zip(entries, self.statuses, strict=False)
        statuses = [{"entryId": e["entryId"], "status": status} for e, status in told]
        return json.dumps({"statuses": statuses}).encode()


@dataclass
class Got:
    """A request that an API got. `what` is the event's topic, `DEAD`, or the method."""

    at: float
    what: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Script:
    """What is done about the requests that belong to one case; the last goes on for ever."""

    does: Sequence[Does] = (Does(),)
    dead: Sequence[Does] = (Does(),)
    got: list[Got] = field(default_factory=list)

    def next(self, got: Got) -> Does:
        is_dead = got.what == DEAD
        before = sum((each.what == DEAD) == is_dead for each in self.got)
        self.got.append(got)
        steps = self.dead if is_dead else self.does
        return steps[min(before, len(steps) - 1)]

    @property
    def topics(self) -> list[str]:
        return [got.what for got in self.got]

    def gaps(self) -> list[float]:
        times = [got.at for got in self.got]
        return [later - earlier for earlier, later in pairwise(times)]


def belongs_to(method: str, target: str, body: bytes) -> tuple[str, str]:
    """The case and the `what` of a request to an API."""
    path = target.partition("?")[0]
    if path.startswith("/job/"):
        return path.removeprefix("/job/"), method
    if path.startswith("/dapr_subscribe_"):
        event = json.loads(body)
        if "entries" in event:
            count = len(event["entries"])
            return str(event["entries"][0]["event"]["data"]["case"]), f"bulk of {count}"
        what = DEAD if path == DEAD_ROUTE else str(event["topic"])
        return str(event["data"]["case"]), what
    return path.rpartition("/")[2], method


class Bench(Protocol):
    """Sidecars and scripted APIs, in this process's time or in the world's."""

    def script(self, case: str, script: Script) -> Script: ...

    async def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        api: str = "counter",
        media_type: str = "application/json",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Reply: ...

    async def sleep(self, seconds: float) -> None: ...

    async def stop(self, what: str) -> None:
        """`valkey`, or `product-api`, or `counter-sidecar`, which is killed."""
        ...

    async def start(self, what: str) -> None: ...


# The cases

Case = Callable[[Bench, str], Awaitable[Json]]
"""Gets the bench, and a name that is the case's own; returns what it saw."""


async def save(
    bench: Bench, key: str, value: Json, etag: str | None = None, store: str = "counter-store"
) -> int:
    version = {} if etag is None else {"etag": etag}
    item = {"key": key, "value": value, **version, "options": {"concurrency": "first-write"}}
    reply = await bench.call("POST", f"/v1.0/state/{store}", json.dumps([item]).encode())
    return reply.status


async def read(bench: Bench, key: str) -> tuple[int, Json, str | None]:
    reply = await bench.call("GET", f"/v1.0/state/counter-store/{key}")
    return reply.status, json.loads(reply.body) if reply.body else None, reply.etag


def event(event_id: str, data: Json) -> Json:
    """A CloudEvent, as the APIs publish it: the sidecar adds its time, trace and topic."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "kitchen-api",
        "type": "coffeeshop.order_updated",
        "datacontenttype": "application/json",
        "data": data,
    }


async def publish(bench: Bench, case: str, topic: str = TOPIC, api: str = "kitchen") -> int:
    body = json.dumps(event(f"id-{case}", {"case": case})).encode()
    target = f"/v1.0/publish/pubsub/{topic}"
    return (await bench.call("POST", target, body, api=api, media_type=CLOUDEVENT)).status


async def state_missing(bench: Bench, case: str) -> Json:
    return await read(bench, case)


async def state_create(bench: Bench, case: str) -> Json:
    saved = await save(bench, case, {"a": 1.50, "b": "ü"})
    return saved, await read(bench, case)


async def state_create_taken(bench: Bench, case: str) -> Json:
    saved = [await save(bench, case, 1), await save(bench, case, 2)]
    return saved, await read(bench, case)


async def state_create_taken_by_the_same(bench: Bench, case: str) -> Json:
    return [await save(bench, case, 1), await save(bench, case, 1)]


async def state_change(bench: Bench, case: str) -> Json:
    saved = [await save(bench, case, 1), await save(bench, case, 2, "1")]
    return saved, await read(bench, case)


async def state_change_old(bench: Bench, case: str) -> Json:
    saved = [await save(bench, case, n, etag) for n, etag in enumerate((None, "1", "1"))]
    return saved, await read(bench, case)


async def state_create_after_change(bench: Bench, case: str) -> Json:
    saved = [await save(bench, case, n, etag) for n, etag in enumerate((None, "1", None))]
    return saved, await read(bench, case)


async def state_change_vanished(bench: Bench, case: str) -> Json:
    return await save(bench, case, 1, "7"), await read(bench, case)


async def state_concurrent_creates(bench: Bench, case: str) -> Json:
    saved = await asyncio.gather(*(save(bench, case, n) for n in range(8)), return_exceptions=True)
    _, _, etag = await read(bench, case)
    return sorted(map(str, saved)), etag


async def state_concurrent_changes(bench: Bench, case: str) -> Json:
    await save(bench, case, 0)
    saved = await asyncio.gather(
        *(save(bench, case, n, "1") for n in range(8)), return_exceptions=True
    )
    _, _, etag = await read(bench, case)
    return sorted(map(str, saved)), etag


async def _saved_together(bench: Bench, case: str, *etags: str | None) -> Json:
    """Two documents, of which the second exists, saved in one call."""
    keys = f"{case}-1", f"{case}-2"
    await save(bench, keys[1], 0)
    items = [
        {"key": key, "value": number, "options": {"concurrency": "first-write"}}
        | ({"etag": etag} if etag else {})
        for number, (key, etag) in enumerate(zip(keys, etags, strict=True), 1)
    ]
    body = json.dumps(items).encode()
    reply = await bench.call("POST", "/v1.0/state/counter-store", body)
    return reply.status, [await read(bench, key) for key in keys]


async def state_save_many(bench: Bench, case: str) -> Json:
    return await _saved_together(bench, case, None, "1")


async def state_save_many_with_a_conflict(bench: Bench, case: str) -> Json:
    return await _saved_together(bench, case, None, "7")


async def state_change_many_with_a_conflict(bench: Bench, case: str) -> Json:
    """The one that names its version is changed, the other is not: the answer is a conflict."""
    await save(bench, f"{case}-1", 0)
    return await _saved_together(bench, case, "1", "7")


async def state_create_many_of_which_one_is_taken(bench: Bench, case: str) -> Json:
    """The free one is created: only reading tells which."""
    return await _saved_together(bench, case, None, None)


async def state_read_many(bench: Bench, case: str) -> Json:
    await save(bench, f"{case}-1", {"n": 1})
    await save(bench, f"{case}-2", [])
    await save(bench, f"{case}-2", [2], "1")
    keys = [f"{case}-{n}" for n in (1, 2, 3)]
    body = json.dumps({"keys": keys, "parallelism": 32}).encode()
    reply = await bench.call("POST", "/v1.0/state/counter-store/bulk", body)
    items = sorted(json.loads(reply.body), key=lambda item: str(item["key"]))
    return reply.status, [
        (item["key"].removeprefix(case), item.get("data"), item.get("etag"), item.get("error"))
        for item in items
    ]


async def event_delivered(bench: Bench, case: str) -> Json:
    script = bench.script(case, Script())
    status = await publish(bench, case)
    await bench.sleep(2)
    event = json.loads(script.got[0].body)
    kind = script.got[0].headers.get("content-type")
    return status, script.topics, event["data"] == {"case": case}, event["id"], kind


async def event_retried(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(500), Does(503), Does())


async def event_fails_for_ever(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(500))


async def event_dead_letter_fails_for_ever(bench: Bench, case: str) -> Json:
    script = bench.script(case, Script((Does(404),), (Does(500),)))
    await publish(bench, case)
    await bench.sleep(PROCESSING_TIMEOUT + 3)
    return script.topics


async def event_dead_letter(bench: Bench, case: str) -> Json:
    """It is the event as it was, with the topic that it was published to."""
    script = bench.script(case, Script((Does(404),)))
    await publish(bench, case)
    await bench.sleep(3)
    events = [json.loads(got.body) for got in script.got]
    parts = [(event["id"], event["topic"], event["data"]) for event in events]
    return script.topics, parts[0] == parts[1]


async def event_dropped(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(200, b'{"status":"DROP"}'))


async def event_not_found(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(404))


async def event_refused(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(400))


async def event_forbidden(bench: Bench, case: str) -> Json:
    """The API has another token than its sidecar: they are being changed."""
    return await _delivered(bench, case, Does(403), Does())


async def event_too_many(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(429), Does())


async def event_retry_in_words(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(200, b'{"status":"RETRY"}'), Does())


async def event_unknown_word(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(200, b'{"status":"MAYBE"}'), Does())


async def event_success_in_words(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(200, b'{"status":"SUCCESS"}'))


async def event_answered_with_text(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(200, b"thank you"))


async def event_hung_up_on(bench: Bench, case: str) -> Json:
    return await _delivered(bench, case, Does(hangs_up=True), Does())


async def event_slow(bench: Bench, case: str) -> Json:
    """The delivery is given up, and tried again while the first still runs."""
    script = bench.script(case, Script((Does(after=DELIVERY_TIMEOUT + 1), Does())))
    await publish(bench, case)
    await bench.sleep(DELIVERY_TIMEOUT + 5)
    return script.topics, script.gaps()[0] >= DELIVERY_TIMEOUT - 0.1


async def event_published_twice(bench: Bench, case: str) -> Json:
    script = bench.script(case, Script())
    statuses = [await publish(bench, case), await publish(bench, case)]
    await bench.sleep(2)
    return statuses, script.topics


async def _delivered(bench: Bench, case: str, *does: Does) -> Json:
    script = bench.script(case, Script(does))
    await publish(bench, case)
    await bench.sleep(8)
    return script.topics


async def event_for_an_api_that_is_away(bench: Bench, case: str) -> Json:
    """It is tried as often as any other, and then given up: the sidecar watches no app's health."""
    script = bench.script(case, Script())
    await bench.stop("barista-api")
    await publish(bench, case, "barista_order_placed", "counter")
    await bench.sleep(3 * RETRIES)
    await bench.start("barista-api")
    await bench.sleep(4)
    return script.topics


async def event_for_an_api_that_comes_back(bench: Bench, case: str) -> Json:
    script = bench.script(case, Script())
    await bench.stop("kitchen-api")
    await publish(bench, case, "kitchen_order_placed", "counter")
    await bench.sleep(1)
    await bench.start("kitchen-api")
    await bench.sleep(4)
    return script.topics


async def events_published_in_bulk(bench: Bench, case: str) -> Json:
    """Each event keeps its own id, and is delivered by itself."""
    script = bench.script(case, Script())
    status = await _publish_in_bulk(bench, case, 3)
    await bench.sleep(2)
    events = [json.loads(got.body) for got in script.got]
    kinds = {got.headers.get("content-type") for got in script.got}
    return status, sorted(event["id"] for event in events), kinds


SENT: Json = {
    "time": "2026-11-24T10:00:00.123+00:00",
    "traceid": f"00-{'3' * 32}-{'4' * 16}-01",
    "traceparent": f"00-{'3' * 32}-{'4' * 16}-01",
    "tracestate": 'a="1',
    "baggage": "till=7",
}
"""What a publisher says itself, for a sidecar that does not see its clock and its trace."""


async def event_sent_with_its_time_and_trace(bench: Bench, case: str) -> Json:
    script = bench.script(case, Script())
    body = json.dumps(event(f"id-{case}", {"case": case}) | SENT).encode()
    target = f"/v1.0/publish/pubsub/{TOPIC}"
    await bench.call("POST", target, body, api="kitchen", media_type=CLOUDEVENT)
    await _publish_in_bulk(bench, case, 2, **SENT)
    await bench.sleep(2)
    delivered = [json.loads(got.body) for got in script.got]
    return [{name: each.get(name) for name in SENT} == SENT for each in delivered]


async def _publish_in_bulk(
    bench: Bench, case: str, count: int, topic: str = TOPIC, api: str = "kitchen", **sent: str
) -> int:
    entries = [
        {
            "entryId": f"{case}-{number}",
            "event": event(f"{case}-{number}", {"case": case}) | sent,
            "contentType": CLOUDEVENT,
        }
        for number in range(count)
    ]
    target = f"/v1.0/publish/bulk/pubsub/{topic}"
    return (await bench.call("POST", target, json.dumps(entries).encode(), api=api)).status


async def cron_fires(bench: Bench, case: str) -> Json:
    """A failure is not tried again before the next time."""
    script = bench.script("sweep", Script((Does(500), Does())))
    await bench.sleep(3 * SWEEP + 1)
    gaps = [abs(gap - SWEEP) < 1.2 for gap in script.gaps()]
    return len(script.got) >= 2, set(gaps), {got.what for got in script.got}


def _menu(case: str) -> str:
    return f"/v1.0/invoke/product-api/method/{case}?types=1,7"


async def _invoked(bench: Bench, case: str, *does: Does) -> Json:
    script = bench.script(case, Script(does))
    reply = await bench.call("GET", _menu(case))
    await bench.sleep(1)
    return reply.status, reply.body.decode() if reply.status < 500 else "", len(script.got)


async def invoked(bench: Bench, case: str) -> Json:
    return await _invoked(bench, case, Does(200, b"[1]"))


async def invoked_refused(bench: Bench, case: str) -> Json:
    return await _invoked(bench, case, Does(422, b'{"title":"no"}'))


async def invoked_too_many(bench: Bench, case: str) -> Json:
    return await _invoked(bench, case, Does(429, b"{}"))


async def invoked_fails(bench: Bench, case: str) -> Json:
    return await _invoked(bench, case, Does(500))


async def invoked_unavailable(bench: Bench, case: str) -> Json:
    return await _invoked(bench, case, Does(503))


async def invoked_unavailable_at_first(bench: Bench, case: str) -> Json:
    return await _invoked(bench, case, Does(503), Does(200, b"[2]"))


async def invoked_hung_up_on(bench: Bench, case: str) -> Json:
    status, _, requests = await _invoked(bench, case, Does(hangs_up=True))
    return status, requests


async def invoked_slow(bench: Bench, case: str) -> Json:
    """Longer than the policy allows, once: the second attempt answers."""
    return await _invoked(bench, case, Does(200, b"[1]", after=1.3), Does(200, b"[2]"))


async def invoked_with_headers(bench: Bench, case: str) -> Json:
    """The callers' own are handed on, and who calls is said beside the invoked API's token."""
    script = bench.script(case, Script((Does(200, b"{}"),)))
    await bench.call("GET", _menu(case), headers=(("authorization", "Bearer staff"),))
    got = script.got[0].headers
    return got.get("authorization"), got.get("dapr-caller-app-id"), "dapr-api-token" in got


async def invoked_for_its_clock(bench: Bench, case: str) -> Json:
    """An answer has the date of the API, not of a sidecar."""
    bench.script(case, Script((Does(204, date="Tue, 24 Nov 2026 10:00:05 GMT"),)))
    reply = await bench.call("GET", _menu(case))
    return reply.status, str(reply.date)


OK = [TOPIC]
LOST = [TOPIC, DEAD]

CASES: dict[Case, Json] = {
    state_missing: (204, None, None),
    state_create: (204, (200, {"a": 1.5, "b": "ü"}, "1")),
    state_create_taken: ([204, 500], (200, 1, "1")),
    state_create_taken_by_the_same: [204, 500],
    state_change: ([204, 204], (200, 2, "2")),
    state_change_old: ([204, 204, 409], (200, 1, "2")),
    state_create_after_change: ([204, 204, 500], (200, 1, "2")),
    state_change_vanished: (204, (200, 1, "1")),
    state_concurrent_creates: (["204"] + ["500"] * 7, "1"),
    state_concurrent_changes: (["204"] + ["409"] * 7, "2"),
    state_save_many: (204, [(200, 1, "1"), (200, 2, "2")]),
    state_save_many_with_a_conflict: (409, [(200, 1, "1"), (200, 0, "1")]),
    state_change_many_with_a_conflict: (409, [(200, 1, "2"), (200, 0, "1")]),
    state_create_many_of_which_one_is_taken: (500, [(200, 1, "1"), (200, 0, "1")]),
    state_read_many: (
        200,
        [("-1", {"n": 1}, "1", None), ("-2", [2], "2", None), ("-3", None, None, None)],
    ),
    event_delivered: (204, OK, True, "id-event-delivered", "application/cloudevents+json"),
    event_retried: [TOPIC] * 3,
    event_dead_letter: (LOST, True),
    event_fails_for_ever: [*[TOPIC] * (1 + RETRIES), DEAD],
    event_dead_letter_fails_for_ever: [TOPIC, *[DEAD] * (1 + RETRIES)],
    event_dropped: LOST,
    event_not_found: LOST,
    event_refused: LOST,
    event_forbidden: OK * 2,
    event_too_many: OK * 2,
    event_retry_in_words: OK * 2,
    event_unknown_word: OK * 2,
    event_success_in_words: OK,
    event_answered_with_text: OK,
    event_hung_up_on: OK * 2,
    event_slow: (OK * 2, True),
    event_published_twice: ([204, 204], OK * 2),
    events_published_in_bulk: (
        204,
        [f"events-published-in-bulk-{number}" for number in range(3)],
        {"application/cloudevents+json"},
    ),
    event_sent_with_its_time_and_trace: [True] * 3,
    event_for_an_api_that_is_away: [],
    event_for_an_api_that_comes_back: ["kitchen_order_placed"],
    cron_fires: (True, {True}, {"POST"}),
    invoked: (200, "[1]", 1),
    invoked_refused: (422, '{"title":"no"}', 1),
    invoked_too_many: (429, "{}", 1),
    invoked_fails: (500, "", 4),
    invoked_unavailable: (503, "", 4),
    invoked_unavailable_at_first: (200, "[2]", 2),
    invoked_hung_up_on: (500, 4),
    invoked_slow: (200, "[2]", 2),
    invoked_with_headers: ("Bearer staff", "counter-api", True),
    invoked_for_its_clock: (204, "2026-11-24 10:00:05+00:00"),
}
"""Each with what it must see; they run beside each other."""


async def product_api_is_away(bench: Bench, case: str) -> Json:
    await bench.stop("product-api")
    status = (await bench.call("GET", _menu(case))).status
    await bench.start("product-api")
    return status


async def valkey_is_away(bench: Bench, case: str) -> Json:
    """A change with an ETag is said to have met a conflict, whatever went wrong."""
    await save(bench, case, 1)
    script = bench.script(case, Script())
    await bench.stop("valkey")
    body = json.dumps({"keys": [case], "parallelism": 32}).encode()
    (found, *_), *during, many = await asyncio.gather(
        read(bench, case),
        save(bench, f"{case}-new", 1),
        save(bench, case, 2, "1"),
        publish(bench, case),
        _publish_in_bulk(bench, case, 2),
        bench.call("POST", "/v1.0/state/counter-store/bulk", body),
    )
    shows = many.status >= 500 or "error" in json.loads(many.body)[0]
    await bench.start("valkey")
    await bench.sleep(3)
    published = await publish(bench, case)
    await bench.sleep(3)
    return [found, *during], shows, published, await read(bench, case), script.topics


async def sidecar_dies_while_it_delivers(bench: Bench, case: str) -> Json:
    """What was not acknowledged comes again, when the processing time is over."""
    script = bench.script(case, Script((Does(after=4), Does())))
    await publish(bench, case)
    await bench.sleep(1)
    await bench.stop("counter-sidecar")
    await bench.sleep(1)
    await bench.start("counter-sidecar")
    await bench.sleep(PROCESSING_TIMEOUT + 3)
    return script.topics, [gap > PROCESSING_TIMEOUT - 1 for gap in script.gaps()]


BULK_TOPIC = "barista_order_updated"


async def _delivered_in_bulk(bench: Bench, case: str, *does: Does) -> Json:
    script = bench.script(case, Script(does))
    await _publish_in_bulk(bench, case, 3, BULK_TOPIC, "barista")
    await bench.sleep(4)
    return script.topics


async def bulk_delivered(bench: Bench, case: str) -> Json:
    script = bench.script(case, Script((Does(200, statuses=("SUCCESS",) * 3),)))
    await _publish_in_bulk(bench, case, 3, BULK_TOPIC, "barista")
    await bench.sleep(4)
    entries = json.loads(script.got[0].body)["entries"]
    ids = sorted(entry["event"]["id"] for entry in entries)
    return script.topics, ids, script.got[0].headers.get("content-type")


async def bulk_of_which_one_is_dropped(bench: Bench, case: str) -> Json:
    """It is a dead letter at once, and comes by itself."""
    done = ("SUCCESS", "DROP", "SUCCESS")
    return await _delivered_in_bulk(bench, case, Does(200, statuses=done), Does())


async def bulk_of_which_one_is_to_be_repeated(bench: Bench, case: str) -> Json:
    done = ("SUCCESS", "RETRY", "SUCCESS")
    last = Does(200, statuses=("SUCCESS",))
    return await _delivered_in_bulk(bench, case, Does(200, statuses=done), last)


async def bulk_that_fails_at_first(bench: Bench, case: str) -> Json:
    done = Does(200, statuses=("SUCCESS",) * 3)
    return await _delivered_in_bulk(bench, case, Does(503), done)


async def bulk_answered_without_statuses(bench: Bench, case: str) -> Json:
    """What is said of no event counts as a failure of each."""
    done = Does(200, statuses=("SUCCESS",) * 3)
    return await _delivered_in_bulk(bench, case, Does(204), done)


async def bulk_waits_for_the_one_before(bench: Bench, case: str) -> Json:
    """A topic has one bulk delivery under way at a time."""
    does = (Does(200, statuses=("SUCCESS",) * 3, after=1.5), Does(200, statuses=("SUCCESS",) * 3))
    script = bench.script(case, Script(does))
    await _publish_in_bulk(bench, case, 3, BULK_TOPIC, "barista")
    await bench.sleep(0.7)
    await _publish_in_bulk(bench, case, 3, BULK_TOPIC, "barista")
    await bench.sleep(4)
    return script.topics, script.gaps()[0] >= 1.4


DISTURBING: dict[Case, Json] = {
    bulk_delivered: (
        ["bulk of 3"],
        [f"bulk-delivered-{number}" for number in range(3)],
        "application/json",
    ),
    bulk_of_which_one_is_dropped: ["bulk of 3", BULK_TOPIC],
    bulk_of_which_one_is_to_be_repeated: ["bulk of 3", "bulk of 1"],
    bulk_that_fails_at_first: ["bulk of 3", "bulk of 3"],
    bulk_answered_without_statuses: ["bulk of 3", "bulk of 3"],
    bulk_waits_for_the_one_before: (["bulk of 3", "bulk of 3"], True),
    product_api_is_away: 500,
    valkey_is_away: ([500, 500, 409, 500, 500], True, 204, (200, 1, "1"), [TOPIC]),
    sidecar_dies_while_it_delivers: ([TOPIC, TOPIC], [True]),
}
"""These stop what the others need, or need a topic for themselves: one after the other, at the
end."""


def name(case: Case) -> str:
    return str(case.__name__).replace("_", "-")


# The simulation as a bench


class _ScriptedApi(App):
    def __init__(self, bench: "Simulated", api: str) -> None:
        self._bench = bench
        super().__init__(bench.world, f"{api}-api", lambda _: _nobody)

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        answer: Answer,
    ) -> None:
        bench = self._bench
        if not self.is_up:
            self.world.after(1, lambda: answer(None))
            return
        case, what = belongs_to(method, target, body)
        got = Got(self.world.now / 1000, what, body, dict(headers))
        does = bench.scripts.setdefault(case, Script()).next(got)
        dated = (("date", does.date),) if does.date else ()
        reply = None if does.hangs_up else Response(does.status, does.answer(body), headers=dated)
        self.world.after(round(does.after * 1000), lambda: answer(reply))


async def _nobody(_request: Any) -> Response:
    raise AssertionError("a scripted API has no handler")


class Simulated:
    """The bench in virtual time. Nothing goes wrong but what the case does."""

    def __init__(self, configuration: Configuration) -> None:
        self.world = World(Tape())
        self.scripts: dict[str, Script] = {}
        self._engines = BackingServices(self.world, configuration)
        self._apis = {
            api: _ScriptedApi(self, api) for api in ("product", "counter", "barista", "kitchen")
        }
        self._sidecars = {api: Sidecar(self._engines, app) for api, app in self._apis.items()}
        self._sidecars["counter"].sweep_regularly()

    def script(self, case: str, script: Script) -> Script:
        self.scripts[case] = script
        return script

    async def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        api: str = "counter",
        media_type: str = "application/json",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        future: asyncio.Future[Reply | None] = self.world.loop.create_future()
        call = Call(method, target, (("content-type", media_type), *headers), body)
        self.world.after(1, lambda: self._sidecars[api].handle(call, future.set_result))
        reply = await future
        if reply is None:
            raise NoAnswer("refused")
        return reply

    async def sleep(self, seconds: float) -> None:
        await self.world.sleep(seconds)

    async def stop(self, what: str) -> None:
        if what == "valkey":
            self._engines.valkey_is_up = False
        elif what.endswith("-sidecar"):
            sidecar = self._sidecars[what.removesuffix("-sidecar")]
            sidecar.is_up = False
            sidecar.epoch += 1
        else:
            api = what.removesuffix("-api")
            self._apis[api].is_up = False

    async def start(self, what: str) -> None:
        if what == "valkey":
            self._engines.valkey_is_up = True
        elif what.endswith("-sidecar"):
            self._sidecars[what.removesuffix("-sidecar")].is_up = True
        else:
            api = what.removesuffix("-api")
            self._apis[api].is_up = True

    def run(self, case: Case) -> Json:
        """Play the case to its end."""
        task = self.world.loop.create_task(case(self, name(case)))  # type: ignore[arg-type] # async
        self.world.loop.run_ready()
        while not task.done() and self.world.step(self.world.now + 600_000):
            pass
        return task.result()


def simulated_configuration(base: Path, folder: Path) -> Configuration:
    """The shop's resource files with short times, as the simulation reads them."""
    shutil.copytree(base, folder, dirs_exist_ok=True)
    shorten(folder)
    return read_configuration(folder)
