"""Between APIs and their sidecars: sees each call, and can hold it or lose it."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

import aiohttp
from aiohttp import web

_KEPT = ("content-type", "etag")
"""Headers of an answer that an API reads."""


class CallFault(Enum):
    """What becomes of a call."""

    PASS = "passes"
    LOST_BEFORE = "lost before it is done"
    LOST_AFTER = "done, and its answer lost"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an API to its sidecar."""

    api: str
    method: str
    target: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call with its answer; times are of `time.monotonic`."""

    call: Call
    status: int
    answer: bytes
    begun: float
    ended: float

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.call.body) + len(self.answer)


Rule = Callable[[Call], Awaitable[CallFault]]
"""What becomes of a call. A rule that sleeps holds it."""


async def let_pass(_call: Call) -> CallFault:
    return CallFault.PASS


class Proxy:
    """As a context it listens on ports of its own, each before one API's sidecar."""

    def __init__(self, ports: Mapping[int, tuple[str, int]]) -> None:
        """`ports`: by the port to listen on an API's name and its sidecar's port."""
        self.rule: Rule = let_pass
        self.on_loss: Callable[[], None] = lambda: None
        """Called at the very moment at which a call is lost, before its caller can notice."""
        self.exchanges: list[Exchange] = []
        """Those whose answer was passed on."""
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _listen(self) -> None:
        # Without kept connections: a sidecar that was killed leaves none that seems open.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        self._servers = [
            await self._loop.create_server(
                web.Server(self._handler(api, f"http://127.0.0.1:{sidecar}"), access_log=None),
                "127.0.0.1",
                port,
            )
            for port, (api, sidecar) in self._ports.items()
        ]

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        await self._session.close()

    def _handler(
        self, api: str, sidecar: str
    ) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            begun = time.monotonic()
            call = Call(api, request.method, request.path_qs, await request.read())
            fault = await self.rule(call)
            if fault is CallFault.LOST_BEFORE:
                return self._lose(request)
            headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
            try:
                async with self._session.request(
                    call.method, sidecar + call.target, data=call.body, headers=headers
                ) as reply:
                    answer = await reply.read()
            except aiohttp.ClientError:  # the sidecar is away: its caller sees a lost call
                return _hang_up(request)
            if fault is CallFault.LOST_AFTER:
                return self._lose(request)
            ended = time.monotonic()
            self.exchanges.append(Exchange(call, reply.status, answer, begun, ended))
            kept = {k: v for k, v in reply.headers.items() if k.lower() in _KEPT}
            return web.Response(status=reply.status, body=answer, headers=kept)

        return handle

    def _lose(self, request: web.BaseRequest) -> web.StreamResponse:
        self.on_loss()
        return _hang_up(request)


def _hang_up(request: web.BaseRequest) -> web.StreamResponse:
    """Ends the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
