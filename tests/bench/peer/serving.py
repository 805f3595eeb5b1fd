"""One API as a native process: its environment, and uvicorn."""

import asyncio
import os
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import uvicorn

from coffeeshop.environment import Environment
from coffeeshop.http import Router
from coffeeshop.settings import NAMES, Settings
from coffeeshop.transport import Transport
from tests.bench.peer.application import application


def settings() -> Settings:
    """As the process's environment has them."""
    given = {name: os.environ.get(f"COFFEESHOP_{name.upper()}") for name in NAMES}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def environment(found: Settings, transport: Transport) -> Environment:
    return Environment(
        settings=found,
        transport=transport,
        clock=lambda: datetime.now(UTC),
        entropy=os.urandom,
        sleep=asyncio.sleep,
    )


def serve(router: Router, port: int, *needed: AbstractAsyncContextManager[object]) -> None:
    """Serve until interrupted; `needed` is entered in this order before the first request."""
    uvicorn.run(
        application(router, *needed),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        # A stream lasts a minute; who stops the stack does not wait for it.
        timeout_graceful_shutdown=2,
    )
