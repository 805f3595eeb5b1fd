"""The simulated sidecar for unit tests: each call is answered at once, and nothing is delivered."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from coffeeshop.http import Response
from coffeeshop.transport import Call, NoAnswer, Reply
from tests.dapr.configuration import Configuration
from tests.dapr.services import BackingServices, Message
from tests.dapr.sidecar import Sidecar
from tests.dapr.world import Backend, Calm


class Published(NamedTuple):
    """An event as the broker has it; `attributes` are those of its envelope."""

    topic: str
    id: str
    data: Any
    attributes: dict[str, Any]


Hook = Callable[[Call], None]

_NOTHING = Configuration(
    subscriptions=(),
    retries=0,
    longest_interval=0,
    delivery_timeout=0,
    processing_timeout=0,
    redeliver_interval=0,
    sweep_every=0,
    menu_timeout=0,
    menu_retries=0,
    menu_pause=0,
    delivery_again=(),
    menu_again=(),
)
"""Nobody subscribes, and nothing is repeated."""


def _nothing(_call: Call) -> None:
    return


def _at_once(_milliseconds: int, happens: Callable[[], None]) -> None:
    happens()


class _App:
    """An API that answers every GET and POST with the same document, and takes everything else."""

    sidecar: Backend

    def __init__(self, name: str, document: bytes = b"") -> None:
        self.name = name
        self.document = document
        self.clock: Callable[[], datetime | None] = lambda: None
        self.health = 204

    def ask(
        self,
        method: str,
        target: str,
        _headers: Iterable[tuple[str, str]],
        _body: bytes,
        answer: Callable[[Response | None], None],
    ) -> None:
        if target.startswith("/healthz/"):
            answer(Response(self.health))
        else:
            answer(Response(200, self.document) if method in ("GET", "POST") else Response(204))


class FakeSidecar:
    """A transport to the simulated sidecar of `tests/dapr`, with what it stored and published, and
    the other APIs that it invokes: each answers with one document, product-api with the `menu`, and
    `counter` says what its clock says.

    `before` and `after` are called around each call: they may change the documents, as somebody
    else does, or raise `NoAnswer`, so that the call or its answer is lost.
    """

    def __init__(
        self,
        documents: Mapping[str, Any] | None = None,
        *,
        store: str = "counter-store",
        menu: bytes = b"[]",
        others: Mapping[str, bytes] | None = None,
    ) -> None:
        self.published: list[Published] = []
        self.calls: list[Call] = []
        self.before: Hook = _nothing
        self.after: Hook = _nothing
        self._engines = BackingServices(Calm(_at_once), _NOTHING, on_publish=self._on_publish)
        self._documents = self._engines.stores.setdefault(store, {})
        self.counter = _App("counter-api")
        self._sidecar = Sidecar(self._engines, self.counter)
        for name, document in {"product-api": menu, **(others or {})}.items():
            Sidecar(self._engines, _App(name, document))
        for key, value in (documents or {}).items():
            self.put(key, value)

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        self.before(call)
        answers: list[Reply | None] = []
        self._sidecar.handle(call, answers.append)
        reply = answers[0]
        if reply is None:
            raise NoAnswer("none")
        self.after(call)
        return reply

    def _on_publish(self, message: Message) -> None:
        self.published.append(
            Published(message.topic, message.event_id, message.data, message.attributes)
        )

    def events(self, topic: str) -> list[Any]:
        """The data of the topic's events, oldest first."""
        return [each.data for each in self.published if each.topic == topic]

    @property
    def documents(self) -> dict[str, tuple[Any, int]]:
        """What is stored by now, by key, with its version."""
        return {key: (json.loads(value), etag) for key, (value, etag) in self._documents.items()}

    def document(self, key: str) -> Any:
        """What is stored under a key; None where there is nothing."""
        found = self._documents.get(key)
        return None if found is None else json.loads(found[0])

    def put(self, key: str, value: Any) -> None:
        """Save as somebody else: the version that others have read is not the newest any more."""
        version = self._documents[key][1] if key in self._documents else 0
        self._documents[key] = (json.dumps(value).encode(), version + 1)

    def remove(self, key: str) -> None:
        del self._documents[key]
