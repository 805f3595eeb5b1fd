"""The guest's side of the host: HTTP in and out over wasi:http 0.3, settings, clock, random bytes.

The only package that imports the bindings; they exist inside a component alone.
"""

import os
from datetime import UTC, datetime
from typing import Any

# The modules named componentize_py_… are made by componentize-py and carry no types.
from componentize_py_types import Err
from spin_sdk.wit import exports
from spin_sdk.wit.imports import wasi_http_types_0_3_0 as wasi

from coffeeshop.api import Answering, Api
from coffeeshop.environment import Environment
from coffeeshop.http import Request
from coffeeshop.settings import NAMES, Settings
from coffeeshop.wasi.bodies import sleep
from coffeeshop.wasi.incoming import METHODS, Incoming
from coffeeshop.wasi.outgoing import WasiTransport
from coffeeshop.wasi.responding import respond

variables: Any
try:
    from spin_sdk import variables
except ImportError:  # the portable world has no Spin variables
    variables = None


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
    """The exported handler of the API that an `app.py` names."""

    api: Api
    _answer: Answering | None = None

    async def handle(self, request: wasi.Request) -> wasi.Response:
        cls = type(self)
        if cls._answer is None:
            cls._answer = cls.api.start(await _environment())
        method = request.get_method()
        incoming = Incoming(request)
        answer = await cls._answer(
            Request(
                method=method.value
                if isinstance(method, wasi.Method_Other)
                else METHODS[type(method)],
                target=request.get_path_with_query() or "/",
                header=incoming.header,
                read_body=incoming.read_body,
            )
        )
        return respond(answer)


async def _environment() -> Environment:
    settings = await read_settings()
    return Environment(
        settings=settings,
        transport=WasiTransport(settings.sidecar),
        clock=lambda: datetime.now(UTC),
        entropy=os.urandom,
        sleep=sleep,
    )
