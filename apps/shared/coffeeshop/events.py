"""Events as the sidecar delivers them, one by one or in bulk, and what is answered."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from coffeeshop.http import Incomplete, Problem, Request, Response, unavailable
from coffeeshop.logs import Log, traceparent

Event = TypeVar("Event", bound=BaseModel)
Handle = Callable[[Sequence[Event]], Awaitable[None]]

VERSION = 1
MAX_DELIVERY = 8 * 1024 * 1024
"""Bytes of a delivery. An event of ours is below 10 KB, and up to 64 of them come in bulk. A
sidecar takes 4 MB, so that one that is made to be large is read, and refused for itself."""
DROPPED = Response(200, b'{"status":"DROP"}')
"""Has the sidecar dead-letter the event at once."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class CloudEvent(_Document):
    """What the sidecar delivers (CloudEvents 1.0); `data` is the event that was published."""

    data: Any = None
    tracestate: Any = None
    baggage: Any = None


class BulkEntry(_Document):
    entryId: str
    event: CloudEvent


class Delivery(CloudEvent):
    """A CloudEvent, or, with `entries`, several of them (Dapr's bulk subscription)."""

    entries: tuple[BulkEntry, ...] | None = None


class BulkStatus(_Document):
    entryId: str
    status: str


class BulkStatuses(_Document):
    """What is to become of each event of a bulk delivery: SUCCESS, RETRY or DROP."""

    statuses: tuple[BulkStatus, ...]


async def deliver(
    request: Request, model: type[Event], handle: Handle[Event], log: Log
) -> Response:
    """Hand the delivered events to their handler, all at once, and tell the sidecar what to do
    about each.

    What is not an event is dead-lettered at once, and so is a version that is newer than ours: to
    repeat it would hold the sidecar's workers, and 250 such events kept a consumer from all others
    for 101 s. Nothing is lost by it: events whose work is open are published again (W8), until a
    consumer that knows the version has one. Raises what `handle` raises, and then all come again.
    """
    try:
        delivery = await request.json(Delivery, MAX_DELIVERY)
    except Incomplete as problem:
        raise unavailable(problem.detail) from None
    except Problem as problem:
        log("event.malformed", level="error", path=request.path, cause=problem.detail)
        return DROPPED
    if delivery.entries is None:
        _carry_on(delivery)
        event = _read(delivery.data, model, request.path, log)
        if event is None:
            return DROPPED
        await handle([event])
        return Response(204)
    if len(delivery.entries) == 1:
        _carry_on(delivery.entries[0].event)
    events: list[Event] = []
    statuses: list[BulkStatus] = []
    for entry in delivery.entries:
        event = _read(entry.event.data, model, request.path, log)
        status = "DROP" if event is None else "SUCCESS"
        statuses.append(BulkStatus(entryId=entry.entryId, status=status))
        if event is not None:
            events.append(event)
    if events:
        await handle(events)
    told = BulkStatuses(statuses=tuple(statuses))
    return Response(200, told.model_dump_json().encode())


def _carry_on(event: CloudEvent) -> None:
    """The sidecar hands on the `traceparent` of an event as a header, and leaves out the rest."""
    state, baggage = event.tracestate or "", event.baggage or ""
    if isinstance(state, str) and isinstance(baggage, str):
        traceparent.get().carry(state, baggage)


def _read(data: Any, model: type[Event], path: str, log: Log) -> Event | None:
    """The event, or None if it cannot be handled here."""
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        log("event.unknown_version", level="warning", path=path, version=version)
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        cause = str(error.errors(include_input=False, include_url=False)[:3])
        log("event.malformed", level="error", path=path, cause=cause)
        return None
