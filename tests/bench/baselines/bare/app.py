"""Calls to the sidecar and nothing else: no parsing, no rules, no models.

The calls are in the environment, such as those that were recorded of the real counter-api when it
placed an order: groups, each made of calls that are made at once. `{id}` in them becomes an id of
this order.
"""

import asyncio
import json
import os
import uuid
from typing import Any

import componentize_py_async_support as guest
from componentize_py_async_support.futures import FutureReader
from componentize_py_async_support.streams import ByteStreamReader, ByteStreamWriter
from componentize_py_types import Ok
from spin_sdk import wit
from spin_sdk.wit import exports
from spin_sdk.wit.imports import wasi_http_client_0_3_0 as client
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

METHODS: dict[str, type[wasi.Method_Get | wasi.Method_Post]]
METHODS = {"GET": wasi.Method_Get, "POST": wasi.Method_Post}
SECOND = 1_000_000_000
CHUNK = 65536


class HttpHandler(exports.HttpHandler):
    calls: Any = None

    async def handle(self, request: wasi.Request) -> wasi.Response:
        if request.get_path_with_query() == "/healthz":
            return respond(204, b"")
        if HttpHandler.calls is None:
            HttpHandler.calls = json.loads(os.environ["CALLS"])
        await read(wasi.Request.consume_body(request, unit())[0])
        order = str(uuid.uuid4())
        for group in self.calls["groups"]:
            # As in the guests: a failure must not leave its siblings pending.
            results = await asyncio.gather(
                *(send(order, *call) for call in group), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException) or result not in (200, 204):
                    return respond(500, repr(result).encode())
        return respond(201, self.calls["answer"].encode())


async def send(order: str, method: str, target: str, body: str) -> int:
    headers = [("dapr-api-token", os.environ["TOKEN"].encode())]
    reader: ByteStreamReader | None = None
    if body:
        content = body.replace("{id}", order).encode()
        headers.append(("content-type", b"application/json"))
        headers.append(("content-length", b"%d" % len(content)))
        writer, reader = wit.byte_stream()
        guest.spawn(write(writer, content))
    options = wasi.RequestOptions()
    options.set_connect_timeout(SECOND)
    options.set_first_byte_timeout(SECOND)
    options.set_between_bytes_timeout(SECOND)
    request, _ = wasi.Request.new(wasi.Fields.from_list(headers), reader, no_trailers(), options)
    request.set_method(METHODS[method]())
    request.set_scheme(wasi.Scheme_Http())
    request.set_authority(os.environ["SIDECAR"])
    request.set_path_with_query(target.replace("{id}", order))
    response = await client.send(request)
    status = response.get_status_code()
    if status != 204:
        await read(wasi.Response.consume_body(response, unit())[0])
    return status


async def read(reader: ByteStreamReader) -> bytes:
    body = b""
    with reader:
        while not reader.writer_dropped:
            body += await reader.read(CHUNK)
    return body


async def write(writer: ByteStreamWriter, body: bytes) -> None:
    with writer:
        await writer.write_all(body)


def respond(status: int, body: bytes) -> wasi.Response:
    headers = [("content-type", b"application/json")] if body else []
    if status != 204:
        headers.append(("content-length", b"%d" % len(body)))
    reader: ByteStreamReader | None = None
    if body:
        writer, reader = wit.byte_stream()
        guest.spawn(write(writer, body))
    response, _ = wasi.Response.new(wasi.Fields.from_list(headers), reader, no_trailers())
    response.set_status_code(status)
    return response


def no_trailers() -> FutureReader[Any]:
    return wit.result_option_wasi_http_types_0_3_0_fields_wasi_http_types_0_3_0_error_code_future(
        lambda: Ok(None)
    )[1]


def unit() -> FutureReader[Any]:
    return wit.result_unit_wasi_http_types_0_3_0_error_code_future(lambda: Ok(None))[1]
