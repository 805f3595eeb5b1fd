"""Dapr as the APIs see it: state, pub/sub, invocation and cron, in virtual time.

Only what `test_fidelity.py` pins against the real daprd on Valkey may happen here, and the
configuration is the real one, from k8s/base/dapr.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from coffeeshop.http import Response
from coffeeshop.transport import Call, Reply
from tests.simulation.world import App, World

APP_TOKEN = "app-token"

Answered = Callable[[Reply | None], None]


@dataclass(frozen=True)
class Subscription:
    app: str
    component: str
    topic: str
    route: str
    dead_letter_topic: str | None
    at_once: int = 1
    """How many events come in one delivery at most: more than one is a bulk subscription."""
    await_for: int = 0
    """Milliseconds for which a delivery waits for more events."""


@dataclass(frozen=True)
class Configuration:
    """What the resource files say, times in milliseconds."""

    subscriptions: tuple[Subscription, ...]
    retries: int
    longest_interval: int
    delivery_timeout: int
    processing_timeout: int
    redeliver_interval: int
    sweep_every: int
    menu_timeout: int
    menu_retries: int
    menu_pause: int
    delivery_again: tuple[range, ...]
    """The statuses after which an event is delivered again."""
    menu_again: tuple[range, ...]
    """The statuses after which the menu is asked for again."""


def read_configuration(folder: Path) -> Configuration:
    files = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
    by_name = {file["metadata"]["name"]: file for file in files if "metadata" in file}
    policies = by_name["coffeeshop"]
    for file in files:
        if file.get("kind") == "Resiliency":
            policies = file["spec"]["policies"]
    pubsub = {m["name"]: m.get("value") for m in by_name["pubsub"]["spec"]["metadata"]}
    sweep = {m["name"]: m["value"] for m in by_name["sweep"]["spec"]["metadata"]}
    delivery, menu = policies["retries"]["delivery"], policies["retries"]["menu"]
    return Configuration(
        subscriptions=tuple(
            Subscription(
                app=file["scopes"][0],
                component=file["spec"]["pubsubname"],
                topic=file["spec"]["topic"],
                route=file["spec"]["routes"]["default"],
                dead_letter_topic=file["spec"].get("deadLetterTopic"),
                at_once=file["spec"].get("bulkSubscribe", {}).get("maxMessagesCount", 1),
                await_for=file["spec"].get("bulkSubscribe", {}).get("maxAwaitDurationMs", 0),
            )
            for file in files
            if file.get("kind") == "Subscription"
        ),
        retries=delivery["maxRetries"],
        longest_interval=_milliseconds(delivery["maxInterval"]),
        delivery_timeout=_milliseconds(policies["timeouts"]["delivery"]),
        processing_timeout=_milliseconds(pubsub["processingTimeout"]),
        redeliver_interval=int(pubsub["redeliverInterval"]),
        sweep_every=_milliseconds(sweep["schedule"].removeprefix("@every ")),
        menu_timeout=_milliseconds(policies["timeouts"]["menu"]),
        menu_retries=menu["maxRetries"],
        menu_pause=_milliseconds(menu["duration"]),
        delivery_again=_statuses(delivery["matching"]["httpStatusCodes"]),
        menu_again=_statuses(menu["matching"]["httpStatusCodes"]),
    )


def _statuses(text: str) -> tuple[range, ...]:
    """Dapr's notation: "500,502-504"."""
    ends = [part.partition("-") for part in text.split(",")]
    return tuple(range(int(low), int(high or low) + 1) for low, _, high in ends)


def _milliseconds(text: str) -> int:
    return int(text[:-2]) if text.endswith("ms") else int(text.removesuffix("s")) * 1000


@dataclass(slots=True, eq=False)
class Message:
    topic: str
    event_id: str
    data: Any
    first_topic: str
    """What the event says: a dead letter keeps the topic that it was published to."""
    is_acknowledged: bool = False
    deliveries: int = 0


@dataclass
class Engines:
    """Valkey, as store and broker: what outlives every API and sidecar."""

    world: World
    configuration: Configuration
    stores: dict[str, dict[str, tuple[bytes, int]]] = field(default_factory=dict)
    streams: dict[str, list[Message]] = field(default_factory=dict)
    delivered: list[str] = field(default_factory=list)
    """The topic of each first delivery, in the order of deliveries."""
    delays: dict[str, int] | None = None
    """Milliseconds that the events of a topic take, where that is not the tape's to say."""
    valkey_is_up: bool = True
    stores_away: set[str] = field(default_factory=set)
    """State stores that fail while the broker works: they may be another server."""
    sidecars: dict[str, "Sidecar"] = field(default_factory=dict)
    on_write: Callable[[str, str, bytes | None, Any], None] = lambda *_: None
    on_publish: Callable[[Message], None] = lambda _: None
    on_handled: Callable[[Message], None] = lambda _: None
    """Called when a delivery was answered with success."""

    def outage(self, downtime: int) -> None:
        """Valkey is away for a while; what was confirmed stays."""
        self.valkey_is_up = False
        self.world.note("valkey", "dies")

        def back() -> None:
            self.valkey_is_up = True
            self.world.note("valkey", "is back")

        self.world.after(downtime, back)

    def store_outage(self, store: str, downtime: int) -> None:
        self.stores_away.add(store)
        self.world.note(store, "fails")

        def back() -> None:
            self.stores_away.discard(store)
            self.world.note(store, "is back")

        self.world.after(downtime, back)

    def replay(self) -> None:
        """The broker loses its consumer groups: they begin again, and everything comes again."""
        self.world.note("valkey", "loses the consumer groups")
        for subscription in self.configuration.subscriptions:
            for message in self.streams.get(subscription.topic, ()):
                sidecar = self.sidecars[subscription.app]
                self._deliver_soon(sidecar, subscription, message, again=True)

    # Broker

    def publish(self, topic: str, event_id: str, data: Any, first_topic: str | None = None) -> None:
        message = Message(topic, event_id, data, first_topic or topic)
        self.streams.setdefault(topic, []).append(message)
        self.on_publish(message)
        for subscription in self.configuration.subscriptions:
            if subscription.topic == topic:
                sidecar = self.sidecars[subscription.app]
                self._deliver_soon(sidecar, subscription, message)
                if self.world.strikes("delivery is doubled"):
                    later = (1, 20, 500, 20_000, 60_000)[self.world.tape.draw(5)]
                    self._deliver_after(later, sidecar, subscription, message, again=True)

    def _deliver_soon(
        self,
        sidecar: "Sidecar",
        subscription: Subscription,
        message: Message,
        *,
        again: bool = False,
    ) -> None:
        if self.delays is not None:
            delay = self.delays.get(message.topic, 1)
            self._deliver_after(delay, sidecar, subscription, message, again=again)
            return
        delay = 1 + self.world.tape.draw(3)
        if self.world.strikes("delivery is late"):
            delay += (30, 300, 3_000, 15_000, 45_000, 80_000)[self.world.tape.draw(6)]
        self._deliver_after(delay, sidecar, subscription, message, again=again)

    def _deliver_after(
        self,
        delay: int,
        sidecar: "Sidecar",
        subscription: Subscription,
        message: Message,
        *,
        again: bool,
    ) -> None:
        self.world.after(delay, lambda: sidecar.deliver(subscription, message, even_if_done=again))


def _ignore(_response: Response | None) -> None:
    return


class Sidecar:
    """One API's daprd."""

    def __init__(self, engines: Engines, app: App) -> None:
        self.engines = engines
        self.app = app
        self.world = engines.world
        self.is_up = True
        self.epoch = 0
        self._waiting: dict[Subscription, list[tuple[int, Message]]] = {}
        self._busy: set[Subscription] = set()
        """Bulk subscriptions with a delivery under way: the next one waits for its end."""
        engines.sidecars[app.name] = self
        app.sidecar = self

    def crash(self, downtime: int) -> None:
        if not self.is_up:
            return
        self.world.note(f"{self.app.name}-sidecar", "dies")
        self.is_up = False
        self.epoch += 1
        self._busy.clear()
        self._waiting.clear()

        def back() -> None:
            self.is_up = True
            self.world.note(f"{self.app.name}-sidecar", "is back")

        self.world.after(downtime, back)

    def sweep_regularly(self) -> None:
        every = self.engines.configuration.sweep_every

        def fire() -> None:
            if self.is_up:
                self.to_app("POST", "/job/sweep", b"", _ignore)
                if self.world.strikes("two replicas sweep"):
                    later = (0, 1, 3, 40)[self.world.tape.draw(4)]
                    self.world.after(later, lambda: self.to_app("POST", "/job/sweep", b"", _ignore))
            self.world.after(every, fire)

        self.world.after(every, fire)

    # The API's calls

    def handle(self, call: Call, answer: Answered) -> None:
        if not self.is_up:
            answer(None)
            return
        path = call.target.partition("?")[0]
        version, kind, *rest = path.removeprefix("/").split("/", 3)
        if version != "v1.0":
            raise AssertionError(call.target)
        epoch = self.epoch

        def alive(reply: Reply | None) -> None:
            answer(reply if epoch == self.epoch else None)

        if kind == "state":
            alive(self._state(call, rest))
        elif kind == "publish" and rest[0] == "bulk":
            alive(self._publish_many(rest[1].rpartition("/")[2], json.loads(call.body)))
        elif kind == "publish":
            alive(self._publish(rest[1], json.loads(call.body)))
        elif kind == "invoke":
            self._invoke(call, rest[0], call.target.partition("/method")[2], alive)
        else:
            raise AssertionError(call.target)

    def _state(self, call: Call, rest: list[str]) -> Reply | None:
        if not self.engines.valkey_is_up or rest[0] in self.engines.stores_away:
            # Any failure of a change with an ETag is called a conflict (read in state/redis).
            is_change = call.method == "POST" and rest[1:] != ["bulk"]
            has_etag = is_change and any("etag" in item for item in json.loads(call.body))
            return Reply(409 if has_etag else 500, b'{"errorCode":"ERR_STATE"}')
        store = self.engines.stores.setdefault(rest[0], {})
        if call.method == "GET":
            found = store.get(unquote(rest[1]))
            return Reply(204) if found is None else Reply(200, found[0], str(found[1]))
        if rest[1:] == ["bulk"]:
            items = []
            for key in json.loads(call.body)["keys"]:
                # Our keys need no escapes.
                if (found := store.get(key)) is None:
                    items.append(b'{"key":"%s"}' % key.encode())
                else:
                    item = b'{"key":"%s","data":%s,"etag":"%d"}'
                    items.append(item % (key.encode(), *found))
            return Reply(200, b"[" + b",".join(items) + b"]")
        return self._save_all(store, rest[0], json.loads(call.body))

    def _save_all(
        self, store: dict[str, tuple[bytes, int]], name: str, items: list[Any]
    ) -> Reply | None:
        """Each for itself, in any order (read in components-contrib, state/bulk.go)."""
        is_cut = len(items) > 1 and self.world.strikes("save stops half way")
        statuses = set()
        for item in items[self.world.tape.draw(2) :][:1] if is_cut else items:
            status = self._save(store, name, item)
            if status == 204 and self.world.strikes("store repeats a write"):
                # Its client did not hear the store and sent the change once more: 409 or 500 for
                # a change that was made.
                status = self._save(store, name, item)
            statuses.add(status)
        if is_cut:
            return None
        # A conflict of one is the conflict of all.
        status = 409 if 409 in statuses else max(statuses)
        return Reply(status, b"" if status == 204 else b'{"errorCode":"ERR_STATE_SAVE"}')

    def _save(self, store: dict[str, tuple[bytes, int]], name: str, item: Any) -> int:
        key, etag = item["key"], item.get("etag")
        first_write = item.get("options", {}).get("concurrency") == "first-write"
        before = store.get(key)
        if etag is None and first_write and before is not None:
            return 500
        if etag is not None and before is not None and etag != str(before[1]):
            return 409
        value = json.dumps(item["value"], separators=(",", ":")).encode()
        store[key] = (value, before[1] + 1 if before else 1)
        self.engines.on_write(name, key, before[0] if before else None, item["value"])
        return 204

    def _publish(self, topic: str, event: Any) -> Reply:
        if not self.engines.valkey_is_up:
            return Reply(500)
        self.engines.publish(topic, event["id"], event["data"])
        return Reply(204)

    def _publish_many(self, topic: str, entries: list[Any]) -> Reply | None:
        """Each for itself; the answer is a failure if one of them failed."""
        if not self.engines.valkey_is_up:
            return Reply(500)
        is_cut = len(entries) > 1 and self.world.strikes("bulk publish stops half way")
        for entry in entries[: len(entries) // 2] if is_cut else entries:
            self.engines.publish(topic, entry["event"]["id"], entry["event"]["data"])
        return Reply(500) if is_cut else Reply(204)

    def _invoke(
        self, call: Call, target: str, path: str, answer: Answered, retries: int = 0
    ) -> None:
        """By the policy `menu`: each attempt has its time, and some failures are tried again."""
        other = self.engines.sidecars[target]
        configuration = self.engines.configuration
        is_over = False

        def answered(response: Response | None, status: int = 500) -> None:
            nonlocal is_over
            if is_over:
                return
            is_over = True
            reply = Reply(status) if response is None else Reply(response.status, response.body)
            again = response is None or any(reply.status in r for r in configuration.menu_again)
            if not again or retries == configuration.menu_retries:
                answer(reply)
                return
            pause = configuration.menu_pause
            self.world.after(pause, lambda: self._invoke(call, target, path, answer, retries + 1))

        if not other.is_up:
            self.world.after(1, lambda: answered(None))
        elif self.world.strikes("menu is refused (429)"):
            answered(Response(429))
        else:
            other.to_app(call.method, path, call.body, answered)
            self.world.after(configuration.menu_timeout, lambda: answered(None, 408))

    # To the API

    def to_app(
        self,
        method: str,
        target: str,
        body: bytes,
        answer: Callable[[Response | None], None],
        media_type: str = "application/cloudevents+json",
    ) -> None:
        epoch = self.epoch

        def alive(response: Response | None) -> None:
            # What a dead sidecar would have heard, nobody hears: a broken stream is a failure.
            answer(response if epoch == self.epoch else None)

        headers = (
            ("content-type", media_type),
            ("dapr-api-token", APP_TOKEN),
        )
        self.world.after(1, lambda: self.app.ask(method, target, headers, body, alive))

    # Deliveries

    def deliver(
        self, subscription: Subscription, message: Message, *, even_if_done: bool = False
    ) -> None:
        """Read the message from the stream and hand it to the API until it is settled."""
        if message.is_acknowledged and not even_if_done:
            return
        if not (self.engines.valkey_is_up and self.is_up):
            self.world.after(
                500, lambda: self.deliver(subscription, message, even_if_done=even_if_done)
            )
            return
        message.deliveries += 1
        if message.deliveries == 1:
            self.engines.delivered.append(message.topic)
        # Still unsettled after the processing time-out: read again by whoever looks then.
        configuration = self.engines.configuration
        self.world.after(
            configuration.processing_timeout + configuration.redeliver_interval,
            lambda: self.deliver(subscription, message),
        )
        if subscription.at_once > 1:
            self._collect(subscription, message)
        else:
            self._attempt(subscription, message, 0, self.epoch)

    def _collect(self, subscription: Subscription, message: Message) -> None:
        """Bulk: what comes within a moment, or while a delivery is under way, goes together (read
        in dapr, runtime/pubsub/default_bulksub.go)."""
        waiting = self._waiting.setdefault(subscription, [])
        waiting.append((self.epoch, message))
        if subscription not in self._busy and len(waiting) == 1:
            self.world.after(subscription.await_for, lambda: self._flush(subscription))

    def _flush(self, subscription: Subscription) -> None:
        if subscription in self._busy:
            return
        waiting = self._waiting.pop(subscription, [])
        batch = [message for epoch, message in waiting if epoch == self.epoch]
        rest = [(self.epoch, message) for message in batch[subscription.at_once :]]
        if rest:
            self._waiting[subscription] = rest
        if batch:
            self._busy.add(subscription)
            self._attempt_many(subscription, batch[: subscription.at_once], 0, self.epoch)

    def _attempt_many(
        self, subscription: Subscription, batch: list[Message], retries: int, epoch: int
    ) -> None:
        if epoch != self.epoch:
            return
        entries = [
            {
                "entryId": str(number),
                "event": _cloud_event(message),
                "contentType": "application/cloudevents+json",
            }
            for number, message in enumerate(batch)
        ]
        body = json.dumps({"entries": entries, "topic": subscription.topic}).encode()
        is_over = False

        def answered(response: Response | None) -> None:
            nonlocal is_over
            if is_over or epoch != self.epoch:
                return
            if response is not None and self.world.strikes("delivery's answer is lost"):
                response = None
            is_over = True
            self._settle_many(subscription, batch, retries, response)

        self.to_app("POST", subscription.route, body, answered, "application/json")
        self.world.after(self.engines.configuration.delivery_timeout, lambda: answered(None))

    def _settle_many(
        self,
        subscription: Subscription,
        batch: list[Message],
        retries: int,
        response: Response | None,
    ) -> None:
        """What is not answered with success is delivered again, whatever the status (read in dapr,
        postman/http/http.go); 404 acknowledges."""
        verdicts = _verdicts(response, len(batch))
        again = []
        for message, verdict in zip(batch, verdicts, strict=True):
            if verdict == "SUCCESS":
                self.engines.on_handled(message)
                self._acknowledge(message)
            elif verdict == "DROP":
                self._dead_letter(subscription, message)
            elif verdict == "RETRY":
                again.append(message)
            else:
                self._acknowledge(message)
        configuration = self.engines.configuration
        if again and retries < configuration.retries:
            pause = min(configuration.longest_interval, int(500 * 1.5**retries))
            epoch = self.epoch
            self.world.after(
                pause, lambda: self._attempt_many(subscription, again, retries + 1, epoch)
            )
            return
        for message in again:
            self._dead_letter(subscription, message)
        self._busy.discard(subscription)
        self._flush(subscription)

    def _attempt(
        self, subscription: Subscription, message: Message, retries: int, epoch: int
    ) -> None:
        """`epoch` is the sidecar's when the message was read."""
        if epoch != self.epoch:
            return
        event = json.dumps(_cloud_event(message)).encode()
        settled = False

        def answered(response: Response | None) -> None:
            nonlocal settled
            if settled or epoch != self.epoch:
                return
            if response is not None and self.world.strikes("delivery's answer is lost"):
                response = None
            settled = True
            self._settle(subscription, message, retries, epoch, response)

        self.to_app("POST", subscription.route, event, answered)
        self.world.after(
            self.engines.configuration.delivery_timeout,
            lambda: answered(None) if not settled else None,
        )

    def _settle(
        self,
        subscription: Subscription,
        message: Message,
        retries: int,
        epoch: int,
        response: Response | None,
    ) -> None:
        configuration = self.engines.configuration
        verdict = _verdict(response, configuration.delivery_again)
        if verdict == "SUCCESS":
            self.engines.on_handled(message)
            self._acknowledge(message)
            return
        if verdict == "RETRY" and retries < configuration.retries:
            pause = min(configuration.longest_interval, int(500 * 1.5**retries))
            self.world.after(
                pause, lambda: self._attempt(subscription, message, retries + 1, epoch)
            )
            return
        self._dead_letter(subscription, message)

    def _dead_letter(self, subscription: Subscription, message: Message) -> None:
        """Acknowledged whether or not the dead-letter topic could be written
        (components-contrib)."""
        self.world.note(self.app.name, f"{message.event_id} is a dead letter")
        dead = subscription.dead_letter_topic
        if dead and self.engines.valkey_is_up and not self.world.strikes("dead letter is lost"):
            self.world.fired["(dead letter)"] += 1
            self.engines.publish(dead, message.event_id, message.data, message.first_topic)
        self._acknowledge(message)

    def _acknowledge(self, message: Message) -> None:
        if self.engines.valkey_is_up:
            message.is_acknowledged = True


def _verdict(response: Response | None, again: tuple[range, ...]) -> str:
    """SUCCESS, RETRY, DROP or FAIL: what an answer to a delivery means."""
    if response is None:
        return "RETRY"
    if response.status < 300:
        try:
            status = json.loads(response.body).get("status", "")
        except (ValueError, AttributeError):
            return "SUCCESS"
        return {"": "SUCCESS", "SUCCESS": "SUCCESS", "DROP": "DROP"}.get(status, "RETRY")
    if response.status == 404:
        return "DROP"
    return "RETRY" if any(response.status in some for some in again) else "FAIL"


def _verdicts(response: Response | None, count: int) -> list[str]:
    """The same for each event of a bulk delivery, or LOST: acknowledged, and not handled."""
    if response is not None and response.status == 404:
        return ["LOST"] * count
    if response is None or response.status >= 300:
        return ["RETRY"] * count
    try:
        told = {each["entryId"]: each["status"] for each in json.loads(response.body)["statuses"]}
    except (ValueError, KeyError, TypeError):
        told = {}
    known = ("SUCCESS", "DROP")
    found = [told.get(str(number), "RETRY") for number in range(count)]
    return [each if each in known else "RETRY" for each in found]


def _cloud_event(message: Message) -> dict[str, Any]:
    return {
        "data": message.data,
        "id": message.event_id,
        "source": "simulated",
        "specversion": "1.0",
        "topic": message.first_topic,
        "type": "com.dapr.event.sent",
    }
