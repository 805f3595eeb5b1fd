"""What changes: sent as it changes, by server-sent events, or once it has ended.

Guests share no memory, so that each answer reads the store by itself. It begins at once and goes on
as a stream: the runtime answers a limited number of requests at a time (`scripts.runtime`), and who
waits must not keep the others from being answered. A stream ends after a minute at most: a
component that is replaced can wait for its end, and the client connects again.
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
FIRST_PAUSE, LAST_PAUSE = 0.02, 0.5
"""Seconds between two looks at what is waited for: at first, and at last."""

Document = tuple[bytes, bool]
"""A line of JSON, and whether it will never change again."""
Read = Callable[[], Awaitable[Document]]


def events(env: Environment, log: Log, first: Document, read: Read, pause: float) -> Response:
    """A stream of the document's versions; `pause` is the seconds between two looks at it."""

    async def follow(parts: Parts) -> None:
        document, ended = first
        heard = await parts.send(b"retry: 1000\ndata: %s\n\n" % document)
        lived = silent = 0.0
        while heard and not ended and lived < LIFETIME:
            await env.sleep(pause)
            lived, silent = lived + pause, silent + pause
            now, ended = await _look(read, document)
            if now != document:
                document, silent = now, 0.0
                heard = await parts.send(b"data: %s\n\n" % document)
            elif silent >= HEARTBEAT:
                silent = 0.0
                heard = await parts.send(b":\n\n")

    return Response(
        200,
        media_type="text/event-stream",
        headers=(("cache-control", "no-store"),),
        stream=_outliving(log, follow),
    )


def once_ended(env: Environment, log: Log, first: Document, read: Read, seconds: float) -> Response:
    """The document when it has ended, or else as it was seen last after this long."""

    async def wait(parts: Parts) -> None:
        document, ended = first
        pause, waited = FIRST_PAUSE, 0.0
        while not ended and waited < seconds:
            pause = min(pause, seconds - waited)
            await env.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, LAST_PAUSE)
            document, ended = await _look(read, document)
        await parts.send(document)

    return Response(200, stream=_outliving(log, wait))


async def _look(read: Read, last: bytes) -> Document:
    try:
        return await read()
    except Unavailable:
        return last, False  # the next look may be answered


def _outliving(log: Log, send: Stream) -> Stream:
    """The stream outlives the request, and its context."""
    trace = traceparent.get()

    async def stream(parts: Parts) -> None:
        traceparent.set(trace)
        try:
            await send(parts)
        except Exception as error:  # nobody else would hear of it
            log("stream.failed", level="error", cause=repr(error))

    return stream
