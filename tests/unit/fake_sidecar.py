"""A state store and a broker behind the transport, for unit tests of what is built on them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from coffeeshop.transport import Call, Reply


class Published(NamedTuple):
    """An event as the broker has it."""

    topic: str
    id: str
    data: Any


Hook = Callable[[Call], None]


def _nothing(_call: Call) -> None:
    return


@dataclass
class FakeSidecar:
    """State with ETags and first-write, as the sidecar answers on Redis; publishing, also in bulk;
    and whatever product-api answers to an invocation.

    `before` and `after` are called around each call: they may change the documents, as somebody
    else does, or raise `NoAnswer`, so that the call or its answer is lost.
    """

    documents: dict[str, tuple[Any, int]] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    menu: bytes = b"[]"
    before: Hook = _nothing
    after: Hook = _nothing

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        self.before(call)
        reply = self._do(call)
        self.after(call)
        return reply

    def events(self, topic: str) -> list[Any]:
        """The data of the topic's events, oldest first."""
        return [each.data for each in self.published if each.topic == topic]

    def document(self, key: str) -> Any:
        """What is stored under a key; None where there is nothing."""
        return self.documents.get(key, (None, 0))[0]

    def put(self, key: str, value: Any) -> None:
        """Save as somebody else: the version that others have read is not the newest any more."""
        self.documents[key] = (value, self.documents.get(key, (None, 0))[1] + 1)

    def _do(self, call: Call) -> Reply:
        path = call.target.partition("?")[0]
        if path.startswith("/v1.0/invoke/product-api/"):
            return Reply(200, self.menu)
        topic = path.rpartition("/")[2]
        if path.startswith("/v1.0/publish/bulk/"):
            for entry in json.loads(call.body):
                self._published(topic, entry["event"])
            return Reply(204)
        if path.startswith("/v1.0/publish/"):
            self._published(topic, json.loads(call.body))
            return Reply(204)
        if call.method == "POST" and path.endswith("/bulk"):
            keys = json.loads(call.body)["keys"]
            found = [self._item(key) for key in keys]
            return Reply(200, json.dumps(found).encode())
        if call.method == "POST":
            statuses = {self._save(item).status for item in json.loads(call.body)}
            return Reply(409 if 409 in statuses else max(statuses))
        return self._get(unquote(path.rpartition("/")[2]))

    def _published(self, topic: str, event: Any) -> None:
        self.published.append(Published(topic, event["id"], event["data"]))

    def _get(self, key: str) -> Reply:
        if key not in self.documents:
            return Reply(204)
        value, version = self.documents[key]
        return Reply(200, json.dumps(value).encode(), str(version))

    def _item(self, key: str) -> dict[str, Any]:
        if key not in self.documents:
            return {"key": key}
        value, version = self.documents[key]
        return {"key": key, "data": value, "etag": str(version)}

    def _save(self, item: dict[str, Any]) -> Reply:
        assert item["options"] == {"concurrency": "first-write"}
        _, version = self.documents.get(item["key"], (None, 0))
        if "etag" not in item and version:
            return Reply(500)
        if "etag" in item and item["etag"] != str(version):
            return Reply(409)
        self.documents[item["key"]] = (item["value"], version + 1)
        return Reply(204)
