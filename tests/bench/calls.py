"""The calls to its sidecar with which counter-api places an order, recorded between the two.

To see which wait for which, the recorder holds every call for a moment before it hands it on. So
calls that are made at once overlap, and those that wait for one another cannot: the longest chain
of calls that do not overlap is how many wait for one another.
"""

import asyncio
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp import web

from tests.bench import orders
from tests.bench.stacks import OFFSET, Bench, api

HELD = 0.02
"""Seconds for which a call is held."""
PORT = OFFSET + 5_730
PLACED = 15


@dataclass(frozen=True)
class Seen:
    """A call with its answer; times are of `time.monotonic`."""

    api: str
    method: str
    target: str
    body: bytes
    status: int
    answer: bytes
    begun: float
    ended: float

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.body) + len(self.answer)


class Recorder:
    """As a context it stands between APIs and their sidecars, by ports: mine → the sidecar's."""

    def __init__(self, ports: dict[int, tuple[str, int]], held: float = 0.0) -> None:
        """`held`: seconds."""
        self.seen: list[Seen] = []
        self._held = held
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _listen(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        for mine, (name, sidecar) in self._ports.items():
            server = web.Server(self._handler(name, f"http://127.0.0.1:{sidecar}"))
            await self._loop.create_server(server, "127.0.0.1", mine)

    def _handler(
        self, name: str, sidecar: str
    ) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            begun = time.monotonic()
            body = await request.read()
            await asyncio.sleep(self._held)
            headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
            async with self._session.request(
                request.method, sidecar + request.path_qs, data=body, headers=headers
            ) as reply:
                answer = await reply.read()
                target = request.path_qs
                ended = time.monotonic()
                self.seen.append(
                    Seen(name, request.method, target, body, reply.status, answer, begun, ended)
                )
                kept = {k: v for k, v in reply.headers.items() if k.lower() in KEPT}
                return web.Response(status=reply.status, body=answer, headers=kept)

        return handle


KEPT = ("content-type", "etag")


@dataclass(frozen=True)
class Placing:
    """An order: its id, what its POS was answered, and counter-api's calls before that."""

    order_id: str
    answer: bytes
    calls: tuple[Seen, ...]

    @property
    def depth(self) -> int:
        """Calls that wait for one another."""
        return len(chain(self.calls))

    @property
    def size(self) -> int:
        return sum(call.size for call in self.calls)


def chain(calls: Iterable[Seen]) -> list[Seen]:
    """The longest chain of calls each of which began after the one before had ended."""
    found: list[Seen] = []
    for call in sorted(calls, key=lambda each: each.ended):
        if not found or call.begun >= found[-1].ended:
            found.append(call)
    return found


def groups(calls: Iterable[Seen]) -> list[list[Seen]]:
    """The calls as they were made: each group began when all of the one before had ended."""
    found: list[list[Seen]] = []
    for call in sorted(calls, key=lambda each: each.begun):
        if found and call.begun < max(each.ended for each in found[-1]):
            found[-1].append(call)
        else:
            found.append([call])
    return found


def placing(stack: Bench) -> list[Placing]:
    """Orders that one more counter-api places beside the stack, which should hold some already:
    events go to the stack's own."""
    ports = {PORT: ("counter", stack.ports.sidecar("counter"))}
    found = []
    with (
        Recorder(ports, HELD) as recorder,
        api("counter", "ours", PORT + 1, stack, sidecar_port=PORT) as single,
    ):
        for number in range(PLACED):
            recorder.seen.clear()
            answer = orders.place(f"http://127.0.0.1:{single.port}", number)
            found.append(Placing(answer.json()["id"], answer.content, tuple(recorder.seen)))
    return found


def typical(placed: Sequence[Placing]) -> Placing:
    """Of the orders of the usual depth that whose bodies have the median size."""
    depth = statistics.mode(each.depth for each in placed)
    usual = [each for each in placed if each.depth == depth]
    return sorted(usual, key=lambda each: each.size)[len(usual) // 2]
