"""What changes: sent as it changes, by server-sent events, or once it has ended.

An answer begins at once and goes on as a stream: the runtime answers a limited number of requests
at a time (`scripts.stack.runtime`), and who waits must not keep the others from being answered.
Streams come after orders, so what they may cost is bounded:

- Guests share no memory, but the streams of one instance do: one of them looks at the store, and
  all that follow the same thing see what it saw.
- An instance has a limited number of streams (503 beyond it).
- A stream ends after a minute: a component that is replaced can wait for its end, and the client
  connects again.
- A stream ends after 256 KB. A write that the host does not take cannot be cancelled, so that one
  to a client that never reads would last as long as its connection. This much is taken: beyond
  what the kernel keeps, hyper queues 16 parts and 408 KB. (A client that also shrinks its window
  to nothing can still hold a write; it costs its connection, and no look at the store.)
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from coffeeshop.environment import Environment
from coffeeshop.http import Parts, Response, Stream, service_unavailable
from coffeeshop.logs import Log, traceparent
from coffeeshop.operation import STREAM
from coffeeshop.transport import ServiceUnavailable

MAX_STREAM_SECONDS = 60.0
"""Seconds."""
MAX_STREAM_BYTES = 256 * 1024
"""Bytes."""
MAX_STREAMS = 256
"""Of one instance, at once."""
HEARTBEAT = 5.0
"""Seconds of silence before a comment is sent: writing is how a guest learns of a hang-up."""
MIN_POLL_INTERVAL, MAX_POLL_INTERVAL = 0.02, 0.5
"""Seconds between two looks at what is waited for: at first, and at last."""
MAX_FOLLOW_INTERVAL = 0.7
"""Seconds between two looks at what is followed and does not change: screens are right within a
second."""


class Snapshot(NamedTuple):
    """A line of JSON, whether it will never change again, and of a list its entries."""

    body: bytes
    has_ended: bool
    entries: tuple[bytes, ...] = ()


Read = Callable[[], Awaitable[Snapshot]]
Changes = Callable[[tuple[bytes, ...]], bytes]
"""The document that tells of these entries alone."""


class _SharedPoll:
    """What streams of this instance follow. The first of them whose time has come looks."""

    def __init__(self, seen: Snapshot, at: datetime) -> None:
        self.seen = seen
        self.streams = 0
        self._at = at
        self._is_looking = False

    async def look(self, env: Environment, read: Read, pause: float) -> None:
        """Unless another stream does it now, or has done it within this many seconds."""
        now = env.clock()
        is_fresh = timedelta(0) <= now - self._at < timedelta(seconds=pause * 0.8)
        if self._is_looking or is_fresh:
            return
        self._is_looking, self._at = True, now
        try:
            self.seen = await read()
        except ServiceUnavailable:
            pass  # the next look may be answered
        finally:
            self._is_looking = False


_followed: dict[str, _SharedPoll] = {}
"""By what is followed. Only of this instance, and only while somebody follows it."""
_streams = 0
"""Of this instance, by now."""


def check_stream_limit() -> None:
    """Raises `Problem` 503 if this instance has no room for one more stream."""
    if _streams >= MAX_STREAMS:
        raise service_unavailable("Too many follow the shop at once. Ask for the orders instead.")


async def latest(key: str, read: Read) -> Snapshot:
    """What the streams saw last of this, or what is read now. Raises `ServiceUnavailable`."""
    followed = _followed.get(key)
    return followed.seen if followed else await read()


def events(
    env: Environment,
    log: Log,
    first: Snapshot,
    read: Read,
    pause: float,
    *,
    key: str | None = None,
    changes: Changes | None = None,
) -> Response:
    """A stream of the document's versions: each one whole, or with `changes` the first one whole
    and then what is new. `pause` is the seconds between two looks, which become more while nothing
    changes. What has a `key` is looked at for all streams that have the same."""

    async def follow(parts: Parts) -> None:
        global _streams
        followed = _followed.get(key or "") or _SharedPoll(first, env.clock())
        if key:
            _followed[key] = followed
        _streams, followed.streams = _streams + 1, followed.streams + 1
        try:
            await _follow(env, parts, followed, first, read, pause, changes)
        finally:
            _streams, followed.streams = _streams - 1, followed.streams - 1
            if key and not followed.streams:
                del _followed[key]

    return Response(
        200,
        media_type=STREAM,
        stream=_detached(log, follow),
    )


async def _follow(
    env: Environment,
    parts: Parts,
    followed: _SharedPoll,
    first: Snapshot,
    read: Read,
    pause: float,
    changes: Changes | None,
) -> None:
    sent, part = first, b"retry: 1000\ndata: %s\n\n" % first.body
    lived = silent = 0.0
    left, rest = MAX_STREAM_BYTES, pause
    while await parts.send(part):
        left, part = left - len(part), b""
        while not part:
            if sent.has_ended or left <= 0 or lived >= MAX_STREAM_SECONDS:
                return
            rest = min(rest, MAX_STREAM_SECONDS - lived)
            await env.sleep(rest)
            lived, silent, rest = (
                lived + rest,
                silent + rest,
                min(rest * 1.5, max(pause, MAX_FOLLOW_INTERVAL)),
            )
            await followed.look(env, read, pause)
            now = followed.seen
            if now.body != sent.body:
                part = b"data: %s\n\n" % (_news(sent, now, changes) if changes else now.body)
                sent, silent, rest = now, 0.0, pause
            elif silent >= HEARTBEAT:
                part, silent = b":\n\n", 0.0


def _news(old: Snapshot, now: Snapshot, changes: Changes) -> bytes:
    known = frozenset(old.entries)
    return changes(tuple(entry for entry in now.entries if entry not in known))


def long_poll(env: Environment, log: Log, first: Snapshot, read: Read, seconds: float) -> Response:
    """The document when it has ended, or else as it was seen last after this long."""

    async def wait(parts: Parts) -> None:
        document = first
        pause, waited = MIN_POLL_INTERVAL, 0.0
        while not document.has_ended and waited < seconds:
            pause = min(pause, seconds - waited)
            await env.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, MAX_POLL_INTERVAL)
            try:
                document = await read()
            except ServiceUnavailable:
                continue  # the next look may be answered
        await parts.send(document.body)

    return Response(200, stream=_detached(log, wait))


def _detached(log: Log, send: Stream) -> Stream:
    """The stream outlives the request, and its context."""
    trace = traceparent.get()

    async def stream(parts: Parts) -> None:
        traceparent.set(trace)
        try:
            await send(parts)
        except Exception as error:  # nobody else would hear of it
            log("stream.failed", level="error", cause=repr(error))

    return stream
