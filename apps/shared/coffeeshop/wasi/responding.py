"""An answer as it goes: its headers at once, its body by a task that outlives the handler."""

from typing import Any

# The modules named componentize_py_… are made by componentize-py and carry no types.
import componentize_py_async_support as guest
from componentize_py_async_support.futures import FutureWriter
from componentize_py_async_support.streams import ByteStreamReader, ByteStreamWriter
from componentize_py_types import Ok
from spin_sdk import wit
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

from coffeeshop.http import Response
from coffeeshop.wasi.bodies import no_trailers


def respond(answer: Response) -> wasi.Response:
    headers = [(name, value.encode("latin-1")) for name, value in answer.headers]
    writer: ByteStreamWriter | None = None
    reader: ByteStreamReader | None = None
    if answer.stream is not None or answer.body:
        headers.append(("content-type", answer.media_type.encode()))
        if not answer.is_head:
            writer, reader = wit.byte_stream()
    if answer.status not in (204, 304) and answer.stream is None:
        headers.append(("content-length", b"%d" % len(answer.body)))
    trailers_writer, trailers = no_trailers()
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


class _Parts:
    """A streamed body's way out."""

    def __init__(self, writer: ByteStreamWriter) -> None:
        self._writer = writer

    async def send(self, part: bytes) -> bool:
        await self._writer.write_all(part)
        return not self._writer.reader_dropped
