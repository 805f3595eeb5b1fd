"""Calls to the sidecar."""

import asyncio
from functools import cache

# The modules named componentize_py_… are made by componentize-py and carry no types.
from componentize_py_types import Err, Ok
from spin_sdk import wit
from spin_sdk.wit.imports import wasi_http_client_0_3_0 as client
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

from coffeeshop.transport import Call, NoAnswer, Reply, moment_of
from coffeeshop.wasi.bodies import first, no_trailers, read

_CALLS: dict[str, wasi.Method] = {
    "GET": wasi.Method_Get(),
    "POST": wasi.Method_Post(),
    "PUT": wasi.Method_Put(),
    "DELETE": wasi.Method_Delete(),
}
_HTTP = wasi.Scheme_Http()
_ENDLESS = 1 << 30
"""Bytes: no reply is that long."""


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

    async def send(self, call: Call) -> Reply:
        headers = [(name, value.encode("latin-1")) for name, value in call.headers]
        headers.append(("content-length", b"%d" % len(call.body)))
        writer, reader = wit.byte_stream() if call.body else (None, None)
        trailers_writer, trailers = no_trailers()
        request, _ = wasi.Request.new(
            wasi.Fields.from_list(headers), reader, trailers, _options(call.timeout).clone()
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
            return await _receive(await answer, wants_date=call.wants_date)
        except Err as error:
            raise NoAnswer(type(error.value).__name__) from error


async def _receive(response: wasi.Response, *, wants_date: bool) -> Reply:
    status = response.get_status_code()
    if status == 204 and not wants_date:
        return Reply(status)
    fields = response.get_headers()
    date = moment_of(first(fields, "date")) if wants_date else None
    if status == 204:
        return Reply(status, date=date)
    etag = first(fields, "etag")
    length = first(fields, "content-length")
    body, _ = await read(wasi.Response.consume_body, response, int(length or _ENDLESS))
    if length is not None and len(body) != int(length):
        raise NoAnswer("cut short")
    return Reply(status, body, etag, date)


@cache
def _options(timeout: float) -> wasi.RequestOptions:
    options = wasi.RequestOptions()
    nanoseconds = int(timeout * 1e9)
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    return options
