"""What requests, answers and calls share: bodies, trailers, and time."""

from collections.abc import Callable
from typing import Any

# The modules named componentize_py_… are made by componentize-py and carry no types.
from componentize_py_async_support.futures import FutureReader, FutureWriter
from componentize_py_types import Ok
from spin_sdk import wit
from spin_sdk.wit.imports import wasi_clocks_monotonic_clock_0_3_0 as monotonic_clock
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

_CHUNK = 64 * 1024


def first(fields: wasi.Fields, name: str) -> str | None:
    values = fields.get(name)
    return values[0].decode("latin-1") if values else None


async def read(
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


def no_trailers() -> tuple[FutureWriter[Any], FutureReader[Any]]:
    """None, and that the body is whole: to be written when the body was."""
    return wit.result_option_wasi_http_types_0_3_0_fields_wasi_http_types_0_3_0_error_code_future(
        lambda: Ok(None)
    )


async def sleep(seconds: float) -> None:
    await monotonic_clock.wait_for(int(seconds * 1e9))
