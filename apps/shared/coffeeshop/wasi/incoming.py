"""A request as it comes: its headers and its body, each asked of the host when it is wanted."""

import asyncio

# The modules named componentize_py_… are made by componentize-py and carry no types.
import componentize_py_async_support as guest
from componentize_py_types import Ok
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

from coffeeshop.headers import Headers
from coffeeshop.http import IncompleteBody, TooLarge, TruncatedBody
from coffeeshop.wasi.bodies import read, sleep

BODY_TIMEOUT = 1.0
"""Seconds in which a request's body must follow its headers: long enough for a packet that was
lost, and short because a request that waits for its body holds one of the places that all share
(`scripts.stack.runtime`)."""
BODY_FIRST_CHECK = 0.05
"""Seconds after which it is looked for first."""

METHODS = {
    wasi.Method_Get: "GET",
    wasi.Method_Head: "HEAD",
    wasi.Method_Post: "POST",
    wasi.Method_Put: "PUT",
    wasi.Method_Delete: "DELETE",
    wasi.Method_Connect: "CONNECT",
    wasi.Method_Options: "OPTIONS",
    wasi.Method_Trace: "TRACE",
    wasi.Method_Patch: "PATCH",
}


class Incoming:
    """A request's headers and body, each asked of the host when somebody wants it."""

    def __init__(self, request: wasi.Request) -> None:
        self._request = request
        self._headers: Headers | None = None

    def header(self, name: str) -> str | None:
        if self._headers is None:
            # All at once: a call to the host costs more than what it brings.
            found = self._request.get_headers().copy_all()
            self._headers = Headers((name, value.decode("latin-1")) for name, value in found)
        return self._headers(name)

    async def read_body(self, limit: int) -> bytes:
        """No further than it is or may be long."""
        # The headers first: to consume the body is to consume the request.
        said = self.header("content-length")
        length = limit + 1 if said is None else int(said)
        if length > limit + 1:
            raise TooLarge
        body = await self._receive(length, is_said=said is not None)
        if len(body) > limit:
            raise TooLarge
        return body

    async def _whole(self, length: int, *, is_said: bool) -> bytes:
        """Where no length was said the host alone knows whether the end was the end."""
        body, trailers = await read(wasi.Request.consume_body, self._request, length)
        is_whole = len(body) == length or (not is_said and isinstance(await trailers.read(), Ok))
        if not is_whole:
            raise TruncatedBody
        return body

    async def _receive(self, length: int, *, is_said: bool) -> bytes:
        """The body, unless it takes too long: a place is for those who have sent their request.

        A read cannot be cancelled. So it goes on by itself after the answer, until the connection
        ends, and holds no place any more.
        """
        loop = asyncio.get_running_loop()
        reading = asyncio.Task(self._whole(length, is_said=is_said), loop=loop, eager_start=True)
        if reading.done():
            return reading.result()
        arrived: asyncio.Future[None] = loop.create_future()

        def settle(_: asyncio.Task[bytes]) -> None:
            if not arrived.done():
                arrived.set_result(None)

        reading.add_done_callback(settle)
        guest.spawn(_expire(arrived))
        await arrived
        if reading.done():
            return reading.result()
        guest.spawn(_await_detached(reading))
        raise IncompleteBody(408, "The body did not arrive in time.")


async def _expire(arrived: asyncio.Future[None]) -> None:
    """In two steps: nearly every body is there after the first, and nothing waits any more."""
    for seconds in (BODY_FIRST_CHECK, BODY_TIMEOUT - BODY_FIRST_CHECK):
        await sleep(seconds)
        if arrived.done():
            return
    arrived.set_result(None)


async def _await_detached(reading: asyncio.Task[bytes]) -> None:
    """Keep the guest's task until its read has ended: a read left pending traps the instance."""
    await asyncio.wait([reading])
    reading.exception()  # taken, or the event loop would raise it
