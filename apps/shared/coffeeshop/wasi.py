"""The guest's side of the host: HTTP in and out over wasi:http 0.3, settings, clock, random bytes.

The only module that imports the bindings; they exist inside a component alone.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# The modules named componentize_py_… are made by componentize-py and carry no types.
import componentize_py_async_support as guest
from componentize_py_async_support.futures import FutureReader, FutureWriter
from componentize_py_async_support.streams import ByteStreamReader, ByteStreamWriter
from componentize_py_types import Err, Ok
from spin_sdk import wit
from spin_sdk.wit import exports
from spin_sdk.wit.imports import wasi_clocks_monotonic_clock_0_3_0 as monotonic_clock
from spin_sdk.wit.imports import wasi_http_client_0_3_0 as client
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

from coffeeshop.environment import Environment
from coffeeshop.http import CutShort, Incomplete, Request, Response, Router, TooLarge
from coffeeshop.settings import ALWAYS_NEEDED, NAMES, Settings
from coffeeshop.start import Answering, start
from coffeeshop.transport import TIMEOUT, Call, NoAnswer, Reply

variables: Any
try:
    from spin_sdk import variables
except ImportError:  # the portable world has no Spin variables
    variables = None

PATIENCE = 1.0
"""Seconds in which a request's body must follow its headers: long enough for a packet that was
lost, and short because a request that waits for its body holds one of the places that all share
(`scripts.runtime`)."""
GLANCE = 0.05
"""Seconds after which it is looked for first."""

_CHUNK = 64 * 1024
_METHODS = {
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
_CALLS: dict[str, wasi.Method] = {
    "GET": wasi.Method_Get(),
    "POST": wasi.Method_Post(),
    "PUT": wasi.Method_Put(),
    "DELETE": wasi.Method_Delete(),
}
_HTTP = wasi.Scheme_Http()
_ENDLESS = 1 << 30
"""Bytes: no reply is that long."""


async def read_settings() -> Settings:
    """The settings that are set; the rest keep their defaults."""
    if variables is None:
        environ = {name: os.environ.get(f"COFFEESHOP_{name.upper()}") for name in NAMES}
    else:
        environ = {name: await _variable(name) for name in NAMES}
    return Settings(**{name: value for name, value in environ.items() if value is not None})


async def _variable(name: str) -> str | None:
    try:
        value: str = await variables.get(name)
    except Err:  # not a variable of this component
        return None
    return value


class Guest(exports.HttpHandler):
    """The exported handler. An API's `app.py` has its name, in which `{station}` stands for that
    setting, the function that builds its router and the settings that it cannot be without."""

    api: str
    needed: tuple[str, ...] = ALWAYS_NEEDED
    _answer: Answering | None = None

    @staticmethod
    def build(env: Environment) -> Router:
        raise NotImplementedError

    async def handle(self, request: wasi.Request) -> wasi.Response:
        cls = type(self)
        if cls._answer is None:
            cls._answer = start(cls.api, cls.needed, cls.build, await _environment())
        method = request.get_method()
        incoming = _Incoming(request)
        answer = await cls._answer(
            Request(
                method=method.value
                if isinstance(method, wasi.Method_Other)
                else _METHODS[type(method)],
                target=request.get_path_with_query() or "/",
                header=incoming.header,
                read_body=incoming.read_body,
            )
        )
        return _respond(answer)


async def _environment() -> Environment:
    settings = await read_settings()
    return Environment(
        settings=settings,
        transport=WasiTransport(settings.sidecar),
        clock=lambda: datetime.now(UTC),
        entropy=os.urandom,
        sleep=_sleep,
    )


async def _sleep(seconds: float) -> None:
    await monotonic_clock.wait_for(int(seconds * 1e9))


class _Incoming:
    """A request's headers and body, each asked of the host when somebody wants it."""

    def __init__(self, request: wasi.Request) -> None:
        self._request = request
        self._headers: dict[str, str] | None = None

    def header(self, name: str) -> str | None:
        if self._headers is None:
            # All at once: a call to the host costs more than what it brings. The first of a name
            # counts.
            found = self._request.get_headers().copy_all()
            self._headers = {name: value.decode("latin-1") for name, value in reversed(found)}
        return self._headers.get(name)

    async def read_body(self, limit: int) -> bytes:
        """No further than it is or may be long."""
        # The headers first: whoever consumes the body consumes the request.
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
        body, trailers = await _read(wasi.Request.consume_body, self._request, length)
        is_whole = len(body) == length or (not is_said and isinstance(await trailers.read(), Ok))
        if not is_whole:
            raise CutShort
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
        guest.spawn(_outlast(reading))
        raise Incomplete(408, "The body did not arrive in time.")


async def _expire(arrived: asyncio.Future[None]) -> None:
    """In two steps: nearly every body is there after the first, and nothing waits any more."""
    for seconds in (GLANCE, PATIENCE - GLANCE):
        await _sleep(seconds)
        if arrived.done():
            return
    arrived.set_result(None)


async def _outlast(reading: asyncio.Task[bytes]) -> None:
    """Keep the guest's task until its read has ended: a read left pending traps the instance."""
    await asyncio.wait([reading])
    reading.exception()  # taken, or the event loop would raise it


def _respond(answer: Response) -> wasi.Response:
    headers = [(name, value.encode("latin-1")) for name, value in answer.headers]
    writer: ByteStreamWriter | None = None
    reader: ByteStreamReader | None = None
    if answer.stream is not None or answer.body:
        headers.append(("content-type", answer.media_type.encode()))
        if not answer.is_head:
            writer, reader = wit.byte_stream()
    if answer.status not in (204, 304) and answer.stream is None:
        headers.append(("content-length", b"%d" % len(answer.body)))
    trailers_writer, trailers = _trailers()
    response, _ = wasi.Response.new(wasi.Fields.from_list(headers), reader, trailers)
    if answer.status != 200:
        response.set_status_code(answer.status)
    guest.spawn(_write(answer, writer, trailers_writer))
    return response


async def _write(
    answer: Response, writer: ByteStreamWriter | None, trailers: FutureWriter[Any]
) -> None:
    if writer is not None:
        with writer:
            if answer.stream is not None:
                await answer.stream(_Parts(writer))
            else:
                await writer.write_all(answer.body)
    await trailers.write(Ok(None))


class WasiTransport:
    """Calls to the sidecar over wasi:http, with the host's own time-outs.

    A call is never raced against a timer: cancelling one traps the instance
    (docs/facts/guest.md).

    Switches between guest and host are what a call costs here (docs/performance/notebook.md). So
    the call is begun first, by an eager task, and the host, which then waits for body and trailers,
    takes them at once: only the reply is waited for.
    """

    def __init__(self, authority: str) -> None:
        self._authority = authority
        self._options = _options()

    async def send(self, call: Call) -> Reply:
        headers = [(name, value.encode("latin-1")) for name, value in call.headers]
        headers.append(("content-length", b"%d" % len(call.body)))
        writer, reader = wit.byte_stream() if call.body else (None, None)
        trailers_writer, trailers = _trailers()
        request, _ = wasi.Request.new(
            wasi.Fields.from_list(headers), reader, trailers, self._options.clone()
        )
        request.set_method(_CALLS[call.method])
        request.set_scheme(_HTTP)
        request.set_authority(self._authority)
        request.set_path_with_query(call.target)
        loop = asyncio.get_running_loop()
        answer = asyncio.Task(client.send(request), loop=loop, eager_start=True)
        if writer is not None:
            with writer:
                await writer.write_all(call.body)
        await trailers_writer.write(Ok(None))
        try:
            return await _receive(await answer)
        except Err as error:
            raise NoAnswer(type(error.value).__name__) from error


async def _receive(response: wasi.Response) -> Reply:
    status = response.get_status_code()
    if status == 204:
        return Reply(status)
    fields = response.get_headers()
    etag = _first(fields, "etag")
    length = _first(fields, "content-length")
    body, _ = await _read(wasi.Response.consume_body, response, int(length or _ENDLESS))
    if length is not None and len(body) != int(length):
        raise NoAnswer("cut short")
    return Reply(status, body, etag)


def _options() -> wasi.RequestOptions:
    options = wasi.RequestOptions()
    nanoseconds = int(TIMEOUT * 1e9)
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    return options


def _first(fields: wasi.Fields, name: str) -> str | None:
    values = fields.get(name)
    return values[0].decode("latin-1") if values else None


async def _read(
    consume: Callable[..., Any], message: Any, length: int
) -> tuple[bytes, FutureReader[Any]]:
    """A message's body, no further than `length` bytes: to look for an end that is known costs
    a switch."""
    done_writer, done = wit.result_unit_wasi_http_types_0_3_0_error_code_future(lambda: Ok(None))
    reader, trailers = consume(message, done)
    await done_writer.write(Ok(None))
    body = b""
    with reader:
        while len(body) < length and not reader.writer_dropped:
            body += await reader.read(_CHUNK)
    return body, trailers


class _Parts:
    """A streamed body's way out."""

    def __init__(self, writer: ByteStreamWriter) -> None:
        self._writer = writer

    async def send(self, part: bytes) -> bool:
        await self._writer.write_all(part)
        return not self._writer.reader_dropped


def _trailers() -> tuple[FutureWriter[Any], FutureReader[Any]]:
    """None, and that the body is whole: to be written when the body was."""
    return wit.result_option_wasi_http_types_0_3_0_fields_wasi_http_types_0_3_0_error_code_future(
        lambda: Ok(None)
    )
