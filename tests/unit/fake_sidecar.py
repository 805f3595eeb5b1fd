"""A state store and a broker behind the transport, for unit tests of what is built on them."""

import json
from dataclasses import dataclass, field
from typing import Any

from coffeeshop.transport import Call, Reply


@dataclass
class FakeSidecar:
    """State with ETags and first-write, as the sidecar answers on Redis."""

    documents: dict[str, tuple[Any, int]] = field(default_factory=dict)
    published: list[tuple[str, Any]] = field(default_factory=list)
    calls: int = 0

    async def send(self, call: Call) -> Reply:
        self.calls += 1
        if call.target.startswith("/v1.0/publish/"):
            self.published.append((call.target, json.loads(call.body)))
            return Reply(204)
        if call.method == "POST" and call.target.endswith("/bulk"):
            keys = json.loads(call.body)["keys"]
            found = [self._item(key) for key in keys]
            return Reply(200, json.dumps(found).encode())
        if call.method == "POST":
            statuses = {self._save(item).status for item in json.loads(call.body)}
            return Reply(409 if 409 in statuses else max(statuses))
        key = call.target.rpartition("/")[2]
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
