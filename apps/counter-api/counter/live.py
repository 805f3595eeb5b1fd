"""What changes, sent as it changes: server-sent events.

Guests share no memory, so that each stream reads the store by itself. A stream ends after a minute
at most: a component that is replaced can wait for its end, and the client connects again.
"""

from collections.abc import Awaitable, Callable

from coffeeshop.environment import Environment
from coffeeshop.http import Parts, Response, Stream
from coffeeshop.logs import Log, traceparent
from coffeeshop.sidecar import Unavailable

LIFETIME = 60.0
"""Seconds."""
HEARTBEAT = 5.0
"""Seconds of silence before a comment is sent: writing is how a guest learns of a hang-up."""

Read = Callable[[], Awaitable[tuple[bytes, bool]]]
"""Reads the document, a line of JSON, and says whether it will never change again."""


def events(
    env: Environment, log: Log, first: tuple[bytes, bool], read: Read, pause: float
) -> Response:
    """A stream of the document's versions; `pause` is the seconds between two looks at it."""
    return Response(
        200,
        media_type="text/event-stream",
        headers=(("cache-control", "no-store"),),
        stream=_stream(env, log, first, read, pause),
    )


def _stream(
    env: Environment, log: Log, first: tuple[bytes, bool], read: Read, pause: float
) -> Stream:
    trace = traceparent.get()

    async def stream(parts: Parts) -> None:
        traceparent.set(trace)  # the stream outlives the request, and its context
        try:
            await follow(parts)
        except Exception as error:  # nobody else would hear of it
            log("stream.failed", level="error", cause=repr(error))

    async def follow(parts: Parts) -> None:
        document, ended = first
        heard = await parts.send(b"retry: 1000\ndata: %s\n\n" % document)
        lived = silent = 0.0
        while heard and not ended and lived < LIFETIME:
            await env.sleep(pause)
            lived, silent = lived + pause, silent + pause
            try:
                now, ended = await read()
            except Unavailable:
                now = document  # the next look may be answered
            if now != document:
                document, silent = now, 0.0
                heard = await parts.send(b"data: %s\n\n" % document)
            elif silent >= HEARTBEAT:
                silent = 0.0
                heard = await parts.send(b":\n\n")

    return stream
