"""Events as the sidecar delivers them, one by one or in bulk, and what is answered."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from coffeeshop.http import IncompleteBody, Problem, Request, Response, service_unavailable
from coffeeshop.logs import Log, Trace, traceparent

Event = TypeVar("Event", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Delivered(Generic[Event]):
    """An event, and of its envelope the trace that it belongs to, in bulk one of its own, and when
    it was sent, by its sender's clock."""

    event: Event
    trace: Trace
    sent_at: datetime | None = None


Handle = Callable[[Sequence[Delivered[Event]]], Awaitable[None]]

VERSION = 1
MAX_DELIVERY = 8 * 1024 * 1024
"""Bytes of a delivery. An event of ours is below 10 KB, and up to 64 of them come in bulk. A
sidecar takes 4 MB, so that one that is made to be large is read, and refused for itself."""
LEVELS = 64
"""Of a delivery that nests deeper than 200 levels, what is read: one such event must not take those
along that come in bulk with it. Events of ours have four, and four around them."""
DROPPED = Response(200, b'{"status":"DROP"}')
"""Has the sidecar dead-letter the event at once."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class CloudEvent(_Document):
    """What the sidecar delivers (CloudEvents 1.0); `data` is the event that was published."""

    data: Any = None
    time: Any = None
    traceparent: Any = None
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
        delivery = await request.json(Delivery, MAX_DELIVERY, LEVELS)
    except IncompleteBody as problem:
        raise service_unavailable(problem.detail) from None
    except Problem as problem:
        log("event.malformed", level="error", path=request.path, cause=problem.detail)
        return DROPPED
    entries = delivery.entries
    if entries is None or len(entries) == 1:
        # The delivery is a part of the event's trace: the sidecar's own span goes on.
        alone = delivery if entries is None else entries[0].event
        trace = _trace_of(alone, traceparent.get()())
        traceparent.set(trace)
        delivered = [_read(alone, trace, model, request.path, log)]
    else:
        delivered = [_read(e.event, _trace_of(e.event), model, request.path, log) for e in entries]
    if events := [each for each in delivered if each is not None]:
        await handle(events)
    if entries is None:
        return Response(204) if events else DROPPED
    statuses = tuple(
        BulkStatus(entryId=entry.entryId, status="DROP" if each is None else "SUCCESS")
        for entry, each in zip(entries, delivered, strict=True)
    )
    return Response(200, BulkStatuses(statuses=statuses).model_dump_json().encode())


def _trace_of(event: CloudEvent, parent: str = "") -> Trace:
    """The trace that an event carries, or, with `parent`, the rest of it: a sidecar makes a header
    of the `traceparent` alone, and in bulk of one event's."""
    carried = {
        "traceparent": parent or event.traceparent,
        "tracestate": event.tracestate,
        "baggage": event.baggage,
    }
    return Trace({name: text for name, text in carried.items() if isinstance(text, str)}.get)


def _read(
    event: CloudEvent, trace: Trace, model: type[Event], path: str, log: Log
) -> Delivered[Event] | None:
    """The event, or None if it cannot be handled here."""
    data = event.data
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        log("event.unknown_version", level="warning", path=path, version=version)
        return None
    try:
        return Delivered(model.model_validate(data), trace, _moment(event.time))
    except ValidationError as error:
        cause = str(error.errors(include_input=False, include_url=False)[:3])
        log("event.malformed", level="error", path=path, cause=cause)
        return None


def _moment(time: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
