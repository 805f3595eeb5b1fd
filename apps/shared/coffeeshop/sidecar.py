"""Dapr's HTTP API, as far as Coffeeshop uses it, over an injected transport.

A call that is not confirmed raises `Unavailable`: it may or may not have had its effect.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from coffeeshop.cloudevents import MEDIA_TYPE
from coffeeshop.logs import traceparent
from coffeeshop.transport import Call, NoAnswer, Reply, Transport

PUBSUB = "pubsub"

T = TypeVar("T")
U = TypeVar("U")


class Unavailable(Exception):
    """The sidecar, or what stands behind it, did not confirm a call. The text is for callers."""


class TooManyRequests(Exception):
    """An API refused a call because there were too many: nothing of it was done."""


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


class Sidecar:
    def __init__(self, transport: Transport, token: str) -> None:
        self._transport = transport
        self._token = token

    async def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        extra: tuple[tuple[str, str], ...] = (),
        media_type: str = "application/json",
    ) -> Reply:
        """Any call to the sidecar. Raises `NoAnswer`."""
        headers = [("content-type", media_type)] if body else []
        headers += extra
        if self._token:
            headers.append(("dapr-api-token", self._token))
        headers += traceparent.get().headers()
        return await self._transport.send(Call(method, target, tuple(headers), body))

    async def confirmed(
        self,
        what: str,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        accept: tuple[int, ...],
        media_type: str = "application/json",
    ) -> Reply:
        """A call whose answer must be one of the statuses. Raises `Unavailable`."""
        try:
            reply = await self.call(method, target, body, media_type=media_type)
        except NoAnswer as error:
            raise Unavailable(f"{what} did not answer.") from error
        if reply.status not in accept:
            raise Unavailable(f"{what} answered {reply.status}.")
        return reply

    async def read_many(self, state: str, keys: Sequence[str]) -> dict[str, BulkItem]:
        """What is under the keys of a state store, by its path. Raises `Unavailable`, also if just
        one could not be read."""
        if not keys:
            return {}
        body = json.dumps({"keys": list(keys), "parallelism": 32}).encode()
        reply = await self.confirmed("The store", "POST", f"{state}/bulk", body, accept=(200, 204))
        if reply.status == 204:
            return {}
        try:
            # An empty body is no answer either: it is one that was cut short.
            items = _BULK.validate_json(reply.body)
        except ValidationError as error:
            raise Unavailable("The store gave a broken answer.") from error
        if any(item.error for item in items):
            raise Unavailable("The store failed.")
        return {item.key: item for item in items}

    async def publish_many(self, topic: str, events: Mapping[str, bytes]) -> None:
        """Publish CloudEvents to one topic in one call, by their ids. Raises `Unavailable` if one
        of them is not confirmed: any of them may have been published."""
        if not events:
            return
        if len(events) == 1:
            (body,) = events.values()
            path, media_type = "publish", MEDIA_TYPE
        else:
            body = b"[%s]" % b",".join(_entry(key, event) for key, event in events.items())
            path, media_type = "publish/bulk", "application/json"
        await self.confirmed(
            "The broker",
            "POST",
            f"/v1.0/{path}/{PUBSUB}/{topic}",
            body,
            accept=(200, 204),
            media_type=media_type,
        )

    async def invoke(
        self,
        app: str,
        target: str,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        """Call another API. Raises `NoAnswer`."""
        return await self.call(method, f"/v1.0/invoke/{app}/method{target}", extra=headers)


def _entry(event_id: str, event: bytes) -> bytes:
    """An event of a bulk publish."""
    template = b'{"entryId":"%s","event":%s,"contentType":"%s"}'
    return template % (event_id.encode(), event, MEDIA_TYPE.encode())


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
        """The document, or None where there is none. Raises `Unavailable`."""
        reply = await self._sidecar.confirmed(
            "The store", "GET", f"{self._path}/{quote(key, safe='')}", accept=(200, 204)
        )
        if reply.status == 204:
            return None
        if reply.etag is None:
            raise Unavailable("The store answered without an ETag.")
        return Stored(self._parse(reply.body), reply.etag)

    async def get_many(self, keys: Sequence[str]) -> dict[str, Stored[T]]:
        """Those of the documents that exist. Raises `Unavailable`, also if just one failed."""
        return self._present(keys, await self._sidecar.read_many(self._path, keys))

    async def get_with(
        self, keys: Sequence[str], other: "Store[U]", other_keys: Sequence[str]
    ) -> tuple[dict[str, Stored[T]], dict[str, Stored[U]]]:
        """Documents of two types, which are in the same state store, in one call. Raises
        `Unavailable`."""
        items = await self._sidecar.read_many(self._path, (*keys, *other_keys))
        return self._present(keys, items), other._present(other_keys, items)

    def _present(self, keys: Sequence[str], items: Mapping[str, BulkItem]) -> dict[str, Stored[T]]:
        return {key: stored for key in keys if (stored := self._of(items.get(key)))}

    def _of(self, item: BulkItem | None) -> Stored[T] | None:
        if item is None or item.data is None or item.etag is None:
            return None
        try:
            return Stored(self._documents.validate_python(item.data), item.etag)
        except ValueError as error:
            raise Unavailable("The store gave a broken answer.") from error

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
        it may be this very document, if only the confirmation was lost. Raises `Unavailable`.
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
            raise Unavailable("The store did not confirm.")
        return stored

    async def create_all(self, values: Mapping[str, T]) -> dict[str, T]:
        """Save those of the documents whose keys are free, in one call. Returns what stands under
        each key now: a key that is missing is not confirmed, and another value was there before.
        Raises `Unavailable`."""
        if await self.save_all([Save(key, value) for key, value in values.items()]):
            return dict(values)
        # One taken key is the answer to all of them: only reading tells which.
        stored = await self.get_many(list(values))
        return {key: each.value for key, each in stored.items()}

    async def update(self, key: str, value: T, etag: str) -> bool:
        """Replace the version that was read. False if it may have changed meanwhile: read again,
        for a conflict does not prove that the update failed. Raises `Unavailable`.
        """
        reply = await self._sidecar.confirmed(
            "The store", "POST", self._path, self._body(Save(key, value, etag)), accept=(204, 409)
        )
        return reply.status == 204

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
            raise Unavailable("The store gave a broken answer.") from error
