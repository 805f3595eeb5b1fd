"""One API's daprd: the calls that it takes from its API, and those that it makes to it."""

import json
from collections.abc import Callable
from typing import Any

from coffeeshop.http import Response
from coffeeshop.transport import Call, Reply, moment_of
from tests.dapr.deliveries import Deliveries
from tests.dapr.services import BackingServices
from tests.dapr.state import State
from tests.dapr.world import Answered, App

APP_TOKEN = "app-token"


def _ignore(_response: Response | None) -> None:
    return


class Sidecar:
    """One API's daprd."""

    def __init__(self, services: BackingServices, app: App) -> None:
        self.services = services
        self.app = app
        self.world = services.world
        self.is_up = True
        self.epoch = 0
        self._state = State(services)
        self._deliveries = Deliveries(self)
        self.deliver = self._deliveries.deliver
        services.sidecars[app.name] = self
        app.sidecar = self

    def crash(self, downtime: int) -> None:
        if not self.is_up:
            return
        self.world.note(f"{self.app.name}-sidecar", "dies")
        self.is_up = False
        self.epoch += 1
        self._deliveries.forget()

        def back() -> None:
            self.is_up = True
            self.world.note(f"{self.app.name}-sidecar", "is back")

        self.world.after(downtime, back)

    def sweep_regularly(self) -> None:
        every = self.services.configuration.sweep_every

        def fire() -> None:
            if self.is_up:
                self.to_app("POST", "/job/sweep", b"", _ignore)
                if self.world.injects("two replicas sweep"):
                    later = (0, 1, 3, 40)[self.world.draw(4)]
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
            alive(self._state.handle(call, rest))
        elif kind == "publish" and rest[0] == "bulk":
            alive(self._publish_many(rest[1].rpartition("/")[2], json.loads(call.body)))
        elif kind == "publish":
            alive(self._publish(rest[1], json.loads(call.body)))
        elif kind == "invoke":
            self._invoke(call, rest[0], call.target.partition("/method")[2], alive)
        else:
            raise AssertionError(call.target)

    def _publish(self, topic: str, event: Any) -> Reply:
        if not self.services.valkey_is_up:
            return Reply(500)
        self.services.publish(topic, event)
        return Reply(204)

    def _publish_many(self, topic: str, entries: list[Any]) -> Reply | None:
        """Each for itself; the answer is a failure if one of them failed."""
        if not self.services.valkey_is_up:
            return Reply(500)
        is_cut = len(entries) > 1 and self.world.injects("bulk publish stops half way")
        for entry in entries[: len(entries) // 2] if is_cut else entries:
            self.services.publish(topic, entry["event"])
        return Reply(500) if is_cut else Reply(204)

    def _invoke(
        self, call: Call, target: str, path: str, answer: Answered, retries: int = 0
    ) -> None:
        """By the policy `menu`: each attempt has its time, and some failures are tried again."""
        other = self.services.sidecars.get(target)
        if other is None:
            answer(Reply(500))  # no such app id
            return
        configuration = self.services.configuration
        is_over = False

        def answered(response: Response | None, status: int = 500) -> None:
            nonlocal is_over
            if is_over:
                return
            is_over = True
            reply = Reply(status) if response is None else _replied(response, other.app)
            again = response is None or any(reply.status in r for r in configuration.menu_again)
            if not again or retries == configuration.menu_retries:
                answer(reply)
                return
            pause = configuration.menu_pause
            self.world.after(pause, lambda: self._invoke(call, target, path, answer, retries + 1))

        if not other.is_up:
            self.world.after(1, lambda: answered(None))
        elif target == "product-api" and self.world.injects("menu is refused (429)"):
            answered(Response(429))
        else:
            headers = (*_handed_on(call), ("dapr-caller-app-id", self.app.name))
            other.to_app(call.method, path, call.body, answered, headers=headers)
            self.world.after(configuration.menu_timeout, lambda: answered(None, 408))

    # To the API

    def to_app(
        self,
        method: str,
        target: str,
        body: bytes,
        answer: Callable[[Response | None], None],
        media_type: str = "application/cloudevents+json",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        epoch = self.epoch

        def alive(response: Response | None) -> None:
            # What a dead sidecar would have heard, nobody hears: a broken stream is a failure.
            answer(response if epoch == self.epoch else None)

        sent = (("content-type", media_type), ("dapr-api-token", APP_TOKEN), *headers)
        self.world.after(1, lambda: self.app.ask(method, target, sent, body, alive))


def _replied(response: Response, app: App) -> Reply:
    """The answer of an API that was invoked: with its own date, to the second."""
    headers, now = dict(response.headers), app.clock()
    date = moment_of(headers.get("date")) or (now and now.replace(microsecond=0))
    return Reply(response.status, response.body, headers.get("etag"), date=date)


def _handed_on(call: Call) -> tuple[tuple[str, str], ...]:
    """What an invoked API gets of the call's headers, beside those of the sidecar's own."""
    return tuple((n, v) for n, v in call.headers if n not in ("content-type", "dapr-api-token"))
