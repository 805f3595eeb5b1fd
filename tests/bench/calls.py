"""The calls to the sidecars that an order takes, counted between each API and its sidecar.

The recorder holds every call for a moment before it hands it on. So calls that are made at once
overlap, and those that wait for one another cannot: the longest chain of calls that do not overlap
is how many wait for one another.
"""

import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
import httpx
from aiohttp import web

from tests.bench import orders
from tests.bench.load import attack
from tests.bench.stacks import OFFSET, RUNTIMES, Bench, running

HELD = 0.02
"""Seconds for which a call is held."""
PORT = 4_000
"""Of the first recorder, above the stack's offset."""
ORDERS = 30
PAUSE = 0.6
"""Seconds from an order to the next: it has ended by then, so that their calls are not mixed."""
WATCHED = 12
"""Seconds after which an order's timer has fired."""


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

    def __init__(self, ports: dict[int, tuple[str, int]]) -> None:
        self.seen: list[Seen] = []
        self.held = 0.0
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
        for mine, (api, sidecar) in self._ports.items():
            server = web.Server(self._handler(api, f"http://127.0.0.1:{sidecar}"))
            await self._loop.create_server(server, "127.0.0.1", mine)

    def _handler(self, api: str, sidecar: str):  # type: ignore[no-untyped-def]  # web.Server's
        async def handle(request: web.BaseRequest) -> web.Response:
            begun = time.monotonic()
            body = await request.read()
            await asyncio.sleep(self.held)
            headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
            async with self._session.request(
                request.method, sidecar + request.path_qs, data=body, headers=headers
            ) as reply:
                answer = await reply.read()
                target = request.path_qs
                ended = time.monotonic()
                self.seen.append(
                    Seen(api, request.method, target, body, reply.status, answer, begun, ended)
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


@dataclass(frozen=True)
class Recording:
    """All calls that some orders took, from each one's post to the end of its timer."""

    seen: tuple[Seen, ...]
    placing: tuple[Placing, ...]

    @property
    def calls(self) -> float:
        """To all sidecars, for one order."""
        return len(self.seen) / len(self.placing)

    @property
    def size(self) -> float:
        """Bytes of bodies to and from all sidecars, for one order."""
        return sum(call.size for call in self.seen) / len(self.placing)

    @property
    def typical(self) -> Placing:
        """Of the orders of the usual depth that whose bodies have the median size."""
        depth = statistics.mode(each.depth for each in self.placing)
        usual = [each for each in self.placing if each.depth == depth]
        return sorted(usual, key=lambda each: each.size)[len(usual) // 2]


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


class _Quiet(Bench):
    """Without the sweep, whose calls are no order's."""

    def prepare(self) -> dict[str, str]:
        secrets = super().prepare()
        (self.layout.run / "dapr" / "sweep.yaml").unlink()
        return secrets


def record() -> Recording:
    """Place orders one by one on a stack of its own, and look at all that they take."""
    offset = OFFSET + 1_200
    numbers = {"counter": 1, "barista": 2, "kitchen": 3}
    mine = {api: PORT + offset + number for api, number in numbers.items()}
    overrides = {f"{api}-api": {"sidecar_port": str(port)} for api, port in mine.items()}
    with tempfile.TemporaryDirectory() as home:
        stack = _Quiet(Path(home), offset, overrides, runs_on=RUNTIMES["ours"])
        ports = {port: (api, stack.ports.sidecar(api)) for api, port in mine.items()}
        with Recorder(ports) as recorder, running(stack):
            return _record(recorder, stack.url("counter"))


def _record(recorder: Recorder, counter: str) -> Recording:
    # The indexes' heads hold something, and no order before is still on its way.
    attack(orders.targets(counter), 8, 5)
    time.sleep(WATCHED)
    recorder.seen.clear()
    recorder.held = HELD
    placed = []
    with httpx.Client(base_url=counter, timeout=40) as client:
        for number in range(ORDERS):
            begun = time.monotonic()
            headers = {"content-type": "application/json"}
            body = orders.body(number % orders.CUSTOMERS)
            answer = client.post(orders.PATH, content=body, headers=headers).raise_for_status()
            placed.append((answer, begun, time.monotonic()))
            time.sleep(PAUSE)
    time.sleep(WATCHED)
    seen = sorted(recorder.seen, key=lambda each: each.begun)
    placing = tuple(
        Placing(
            answer.json()["id"],
            answer.content,
            tuple(call for call in seen if call.api == "counter" and begun <= call.begun <= ended),
        )
        for answer, begun, ended in placed
    )
    return Recording(tuple(seen), placing)
