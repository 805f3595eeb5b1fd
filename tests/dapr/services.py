"""What outlives every API and sidecar: documents and events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.dapr.configuration import Configuration, Subscription
from tests.dapr.world import World

if TYPE_CHECKING:
    from tests.dapr.sidecar import Sidecar


@dataclass(slots=True, eq=False)
class Message:
    topic: str
    event_id: str
    data: Any
    first_topic: str
    """What the event says: a dead letter keeps the topic that it was published to."""
    attributes: dict[str, Any]
    """Of its envelope, as it was published: its time and its trace among them."""
    is_acknowledged: bool = False
    deliveries: int = 0


@dataclass
class BackingServices:
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

    def publish(self, topic: str, event: Any, first_topic: str | None = None) -> None:
        rest = {name: value for name, value in event.items() if name not in ("id", "data")}
        message = Message(topic, event["id"], event["data"], first_topic or topic, rest)
        self.streams.setdefault(topic, []).append(message)
        self.on_publish(message)
        for subscription in self.configuration.subscriptions:
            if subscription.topic == topic:
                sidecar = self.sidecars[subscription.app]
                self._deliver_soon(sidecar, subscription, message)
                if self.world.injects("delivery is doubled"):
                    later = (1, 20, 500, 20_000, 60_000)[self.world.draw(5)]
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
        delay = 1 + self.world.draw(3)
        if self.world.injects("delivery is late"):
            delay += (30, 300, 3_000, 15_000, 45_000, 80_000)[self.world.draw(6)]
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
