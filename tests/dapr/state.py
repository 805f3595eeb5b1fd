"""The state API on Redis: ETags, first-write, bulk."""

import json
from typing import Any
from urllib.parse import unquote

from coffeeshop.transport import Call, Reply
from tests.dapr.services import BackingServices


class State:
    def __init__(self, services: BackingServices) -> None:
        self._services = services
        self._world = services.world

    def handle(self, call: Call, rest: list[str]) -> Reply | None:
        """Answer a call to `/v1.0/state/`, whose path goes on with `rest`."""
        if not self._services.valkey_is_up or rest[0] in self._services.stores_away:
            # Any failure of a change with an ETag is called a conflict (read in state/redis).
            is_change = call.method == "POST" and rest[1:] != ["bulk"]
            has_etag = is_change and any("etag" in item for item in json.loads(call.body))
            return Reply(409 if has_etag else 500, b'{"errorCode":"ERR_STATE"}')
        store = self._services.stores.setdefault(rest[0], {})
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
        is_cut = len(items) > 1 and self._world.injects("save stops half way")
        statuses = set()
        for item in items[self._world.draw(2) :][:1] if is_cut else items:
            status = self._save(store, name, item)
            if status == 204 and self._world.injects("store repeats a write"):
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
        self._services.on_write(name, key, before[0] if before else None, item["value"])
        return 204
