"""The least that a component can do on this runtime: a static answer."""

from typing import Any

import componentize_py_async_support as guest
from componentize_py_async_support.futures import FutureReader
from componentize_py_types import Ok
from spin_sdk import wit
from spin_sdk.wit import exports
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

BODY = b"Hello, world!"


class HttpHandler(exports.HttpHandler):
    async def handle(self, _request: wasi.Request) -> wasi.Response:
        writer, reader = wit.byte_stream()

        async def write() -> None:
            with writer:
                await writer.write_all(BODY)

        guest.spawn(write())
        headers = [("content-type", b"text/plain"), ("content-length", b"%d" % len(BODY))]
        return wasi.Response.new(wasi.Fields.from_list(headers), reader, _no_trailers())[0]


def _no_trailers() -> FutureReader[Any]:
    return wit.result_option_wasi_http_types_0_3_0_fields_wasi_http_types_0_3_0_error_code_future(
        lambda: Ok(None)
    )[1]
