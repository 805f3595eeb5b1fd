"""Deliveries of one sidecar to its API: alone or in bulk, repeated, dead-lettered."""

import json
from typing import TYPE_CHECKING, Any

from coffeeshop.http import Response
from tests.dapr.configuration import Subscription
from tests.dapr.services import Message
from tests.dapr.verdicts import verdict, verdicts

if TYPE_CHECKING:
    from tests.dapr.sidecar import Sidecar


class Deliveries:
    def __init__(self, sidecar: "Sidecar") -> None:
        self._sidecar = sidecar
        self._services = sidecar.services
        self._world = sidecar.world
        self._waiting: dict[Subscription, list[tuple[int, Message]]] = {}
        self._busy: set[Subscription] = set()
        """Bulk subscriptions with a delivery under way: the next one waits for its end."""

    def forget(self) -> None:
        """The sidecar has died."""
        self._busy.clear()
        self._waiting.clear()

    def deliver(
        self, subscription: Subscription, message: Message, *, even_if_done: bool = False
    ) -> None:
        """Read the message from the stream and hand it to the API until it is settled."""
        if message.is_acknowledged and not even_if_done:
            return
        if not (self._services.valkey_is_up and self._sidecar.is_up):
            self._world.after(
                500, lambda: self.deliver(subscription, message, even_if_done=even_if_done)
            )
            return
        message.deliveries += 1
        if message.deliveries == 1:
            self._services.delivered.append(message.topic)
        # Still unsettled after the processing time-out: the next reader takes it.
        configuration = self._services.configuration
        self._world.after(
            configuration.processing_timeout + configuration.redeliver_interval,
            lambda: self.deliver(subscription, message),
        )
        if subscription.at_once > 1:
            self._collect(subscription, message)
        else:
            self._attempt(subscription, message, 0, self._sidecar.epoch)

    def _collect(self, subscription: Subscription, message: Message) -> None:
        """Bulk: what comes within a moment, or while a delivery is under way, goes together (read
        in dapr, runtime/pubsub/default_bulksub.go)."""
        waiting = self._waiting.setdefault(subscription, [])
        waiting.append((self._sidecar.epoch, message))
        if subscription not in self._busy and len(waiting) == 1:
            self._world.after(subscription.await_for, lambda: self._flush(subscription))

    def _flush(self, subscription: Subscription) -> None:
        if subscription in self._busy:
            return
        waiting = self._waiting.pop(subscription, [])
        batch = [message for epoch, message in waiting if epoch == self._sidecar.epoch]
        rest = [(self._sidecar.epoch, message) for message in batch[subscription.at_once :]]
        if rest:
            self._waiting[subscription] = rest
        if batch:
            self._busy.add(subscription)
            self._attempt_many(subscription, batch[: subscription.at_once], 0, self._sidecar.epoch)

    def _attempt_many(
        self, subscription: Subscription, batch: list[Message], retries: int, epoch: int
    ) -> None:
        if epoch != self._sidecar.epoch:
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
            if is_over or epoch != self._sidecar.epoch:
                return
            if response is not None and self._world.injects("delivery's answer is lost"):
                response = None
            is_over = True
            self._settle_many(subscription, batch, retries, response)

        self._sidecar.to_app("POST", subscription.route, body, answered, "application/json")
        self._world.after(self._services.configuration.delivery_timeout, lambda: answered(None))

    def _settle_many(
        self,
        subscription: Subscription,
        batch: list[Message],
        retries: int,
        response: Response | None,
    ) -> None:
        """What is not answered with success is delivered again, whatever the status (read in dapr,
        postman/http/http.go); 404 acknowledges."""
        again = []
        for message, decision in zip(batch, verdicts(response, len(batch)), strict=True):
            if decision == "SUCCESS":
                self._services.on_handled(message)
                self._acknowledge(message)
            elif decision == "DROP":
                self._dead_letter(subscription, message)
            elif decision == "RETRY":
                again.append(message)
            else:
                self._acknowledge(message)
        configuration = self._services.configuration
        if again and retries < configuration.retries:
            pause = min(configuration.longest_interval, int(500 * 1.5**retries))
            epoch = self._sidecar.epoch
            self._world.after(
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
        if epoch != self._sidecar.epoch:
            return
        event = json.dumps(_cloud_event(message)).encode()
        settled = False

        def answered(response: Response | None) -> None:
            nonlocal settled
            if settled or epoch != self._sidecar.epoch:
                return
            if response is not None and self._world.injects("delivery's answer is lost"):
                response = None
            settled = True
            self._settle(subscription, message, retries, epoch, response)

        self._sidecar.to_app("POST", subscription.route, event, answered)
        self._world.after(
            self._services.configuration.delivery_timeout,
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
        configuration = self._services.configuration
        decision = verdict(response, configuration.delivery_again)
        if decision == "SUCCESS":
            self._services.on_handled(message)
            self._acknowledge(message)
            return
        if decision == "RETRY" and retries < configuration.retries:
            pause = min(configuration.longest_interval, int(500 * 1.5**retries))
            self._world.after(
                pause, lambda: self._attempt(subscription, message, retries + 1, epoch)
            )
            return
        self._dead_letter(subscription, message)

    def _dead_letter(self, subscription: Subscription, message: Message) -> None:
        """Acknowledged whether or not the dead-letter topic could be written
        (components-contrib)."""
        self._world.note(self._sidecar.app.name, f"{message.event_id} is a dead letter")
        dead = subscription.dead_letter_topic
        if dead and self._services.valkey_is_up and not self._world.injects("dead letter is lost"):
            self._world.fired["(dead letter)"] += 1
            self._services.publish(dead, _cloud_event(message), message.first_topic)
        self._acknowledge(message)

    def _acknowledge(self, message: Message) -> None:
        if self._services.valkey_is_up:
            message.is_acknowledged = True


def _cloud_event(message: Message) -> dict[str, Any]:
    return {
        **message.attributes,
        "data": message.data,
        "id": message.event_id,
        "topic": message.first_topic,
    }
