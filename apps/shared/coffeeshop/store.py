"""Documents in a state store behind the sidecar, with optimistic locks by ETag."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from coffeeshop.sidecar import Sidecar
from coffeeshop.transport import NoAnswer, ServiceUnavailable

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """A document and the version that an update must name."""

    value: T
    etag: str


@dataclass(frozen=True, slots=True)
class Save(Generic[T]):
    """A document to be saved: over the version that was read, or, without an ETag, where there is
    none."""

    key: str
    value: T
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class BulkItem:
    key: str
    data: Any = None
    etag: str | None = None
    error: str | None = None


_BULK = TypeAdapter(list[BulkItem])

ATTEMPTS = 12
"""How often an optimistic lock is tried. Of the writers that meet one succeeds each time, so that
twelve at once all do."""


class Documents(Protocol[T]):
    """Documents of one type, to and from JSON; a `TypeAdapter` is one. What cannot be read raises
    `ValueError`."""

    def validate_json(self, data: bytes, /) -> T: ...

    def validate_python(self, document: Any, /) -> T: ...

    def dump_json(self, instance: T, /) -> bytes: ...


class Store(Generic[T]):
    """Documents of one type in an API's own state store.

    Every save is `first-write`, and no document is ever deleted: a key that is created again
    starts at ETag 1 again, so that an old ETag would match (read in Dapr's Redis component).
    """

    def __init__(self, sidecar: Sidecar, name: str, documents: Documents[T]) -> None:
        self._sidecar = sidecar
        self._path = f"/v1.0/state/{name}"
        self._documents = documents

    async def get(self, key: str) -> Stored[T] | None:
        """The document, or None where there is none. Raises `ServiceUnavailable`."""
        reply = await self._sidecar.confirmed(
            "The store", "GET", f"{self._path}/{quote(key, safe='')}", accept=(200, 204)
        )
        if reply.status == 204:
            return None
        if reply.etag is None:
            raise ServiceUnavailable("The store answered without an ETag.")
        return Stored(self._parse(reply.body), reply.etag)

    async def get_many(self, keys: Sequence[str]) -> dict[str, Stored[T]]:
        """Those of the documents that exist. Raises `ServiceUnavailable`, also if just one
        failed."""
        return self._present(keys, await self._read(keys))

    async def get_with(
        self, keys: Sequence[str], other: "Store[U]", other_keys: Sequence[str]
    ) -> tuple[dict[str, Stored[T]], dict[str, Stored[U]]]:
        """Documents of two types, which are in the same state store, in one call. Raises
        `ServiceUnavailable`."""
        items = await self._read((*keys, *other_keys))
        return self._present(keys, items), other._present(other_keys, items)

    async def _read(self, keys: Sequence[str]) -> dict[str, BulkItem]:
        """What is under the keys. Raises `ServiceUnavailable`, also if just one could not be
        read."""
        if not keys:
            return {}
        body = json.dumps({"keys": list(keys), "parallelism": 32}).encode()
        reply = await self._sidecar.confirmed(
            "The store", "POST", f"{self._path}/bulk", body, accept=(200, 204)
        )
        if reply.status == 204:
            return {}
        try:
            # An empty body is no answer either: it is one that was cut short.
            items = _BULK.validate_json(reply.body)
        except ValidationError as error:
            raise ServiceUnavailable("The store gave a broken answer.") from error
        if any(item.error for item in items):
            raise ServiceUnavailable("The store failed.")
        return {item.key: item for item in items}

    def _present(self, keys: Sequence[str], items: Mapping[str, BulkItem]) -> dict[str, Stored[T]]:
        return {key: stored for key in keys if (stored := self._of(items.get(key)))}

    def _of(self, item: BulkItem | None) -> Stored[T] | None:
        if item is None or item.data is None or item.etag is None:
            return None
        try:
            return Stored(self._documents.validate_python(item.data), item.etag)
        except ValueError as error:
            raise ServiceUnavailable("The store gave a broken answer.") from error

    async def save_all(self, saves: Sequence[Save[T]]) -> bool:
        """Save several documents in one call, each of them or not. True if all are confirmed; else
        any of them may have been saved, and only reading tells."""
        if not saves:
            return True
        try:
            reply = await self._sidecar.call("POST", self._path, self._body(*saves))
        except NoAnswer:
            return False
        return reply.status == 204

    async def create(self, key: str, value: T) -> Stored[T] | None:
        """Save the document if the key is free. None if that is confirmed, else what is there now:
        it may be this very document, if only the confirmation was lost. Raises
        `ServiceUnavailable`.
        """
        try:
            reply = await self._sidecar.call("POST", self._path, self._body(Save(key, value)))
        except NoAnswer:
            reply = None
        if reply is not None and reply.status == 204:
            return None
        # Redis answers 500 when the key is taken: only reading tells what happened.
        stored = await self.get(key)
        if stored is None:
            raise ServiceUnavailable("The store did not confirm.")
        return stored

    async def create_all(self, values: Mapping[str, T]) -> dict[str, T]:
        """Save those of the documents whose keys are free, in one call. Returns what stands under
        each key now: a key that is missing is not confirmed, and another value was there before.
        Raises `ServiceUnavailable`."""
        if await self.save_all([Save(key, value) for key, value in values.items()]):
            return dict(values)
        # One taken key is the answer to all of them: only reading tells which.
        stored = await self.get_many(list(values))
        return {key: each.value for key, each in stored.items()}

    async def update(self, key: str, value: T, etag: str) -> bool:
        """Replace the version that was read. False if it may have changed meanwhile: read again,
        for a conflict does not prove that the update failed. Raises `ServiceUnavailable`.
        """
        reply = await self._sidecar.confirmed(
            "The store", "POST", self._path, self._body(Save(key, value, etag)), accept=(204, 409)
        )
        return reply.status == 204

    async def change(
        self, key: str, change: Callable[[T | None], T | None], pause: Callable[[], Awaitable[None]]
    ) -> tuple[T | None, T | None]:
        """Load, apply, save: replace the document by what `change` makes of it, under its ETag, and
        again when another writer was faster. `change` gets None where there is no document, and
        returns None, or the document as it was, to leave it. Returns the document before and after,
        one and the same where it was left. Raises `ServiceUnavailable` and what `change` raises.

        The first repeat comes at once: the writer that was faster has done, and mostly there was
        one. From the second conflict on several writers meet, and `pause` keeps them apart.
        """
        for attempt in range(ATTEMPTS):
            if attempt > 1:
                await pause()
            stored = await self.get(key)
            before = stored.value if stored else None
            after = change(before)
            if after is None or after == before:
                return before, before
            if stored is None:
                if await self.create(key, after) is None:
                    return None, after
            elif await self.update(key, after, stored.etag):
                return before, after
        raise ServiceUnavailable("The document is changed by too many at once.")

    def _body(self, *saves: Save[T]) -> bytes:
        return b"[%s]" % b",".join(map(self._item, saves))

    def _item(self, save: Save[T]) -> bytes:
        version = b'"etag":%s,' % json.dumps(save.etag).encode() if save.etag is not None else b""
        return b'{"key":%s,"value":%s,%s"options":{"concurrency":"first-write"}}' % (
            json.dumps(save.key).encode(),
            self._documents.dump_json(save.value),
            version,
        )

    def _parse(self, body: bytes) -> T:
        try:
            return self._documents.validate_json(body)
        except ValueError as error:
            raise ServiceUnavailable("The store gave a broken answer.") from error
