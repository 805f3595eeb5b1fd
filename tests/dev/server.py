"""`python -m tests.dev.server PORT`: serve the four APIs on one port, as Spin does."""

import re
import sys
from collections.abc import Mapping

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.base.console import say
from tests.bench.peer.application import application
from tests.dev.apps import NativeApp, start

FIRST = "counter"
"""The API to which paths belong that several have, or none."""


class SimulatedShop:
    """An ASGI application that hands each request to the API that its path belongs to."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._served: dict[str, ASGIApp] = {}
        self._paths: list[tuple[re.Pattern[str], str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._served[self._owner(scope["path"])](scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        started = start()
        self._served = {name: application(app.router) for name, app in started.items()}
        self._paths = _paths(started)
        await send({"type": "lifespan.startup.complete"})
        say(f"{self._url}/  serving; Ctrl-C stops it")
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _owner(self, path: str) -> str:
        return next((name for pattern, name in self._paths if pattern.fullmatch(path)), FIRST)


def _paths(apps: Mapping[str, NativeApp]) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), name)
        for name in sorted(apps, key=lambda name: name != FIRST)
        for route in apps[name].router.routes
    ]


def main() -> None:
    port = int(sys.argv[1])
    uvicorn.run(
        SimulatedShop(f"http://127.0.0.1:{port}"),
        host="127.0.0.1",
        port=port,
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        # Streams last a minute: a reload does not wait for them.
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
