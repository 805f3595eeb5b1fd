"""Between counter-api and its sidecar: sees each call, and can hold it or lose it.

It speaks HTTP in both directions and changes nothing, so that a test can end counter-api exactly
between two of its calls.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any

import h11
import httpx


class Fate(Enum):
    """What becomes of a call."""

    PASS = "passes"
    LOST_BEFORE = "lost before it is done"
    LOST_AFTER = "done, and its answer lost"


@dataclass(frozen=True, slots=True)
class Seen:
    """A call of counter-api."""

    method: str
    target: str
    body: bytes

    @property
    def kind(self) -> str:
        """What the call is for, without ids. Saves of the same kind are one call, also of many."""
        path = self.target.partition("?")[0]
        if "/invoke/" in path:
            return "menu"
        if "/publish/" in path:
            station, _, what = path.rpartition("/")[2].partition("_order_")
            return f"{'cancel' if what == 'cancelled' else 'publish'} {station}"
        if self.method == "GET":
            return f"read {_what(path.rpartition('/')[2])}"
        if path.endswith("/bulk"):
            keys = json.loads(self.body)["keys"]
            # Placing reads the heads of two indexes, a sweep those of one, and what it remembers.
            return "read heads" if "watch" in keys else f"read many {_what(keys[0])}"
        what = _what(self.body.partition(b'"key":"')[2].partition(b'"')[0].decode())
        for mark, kind in _SAVES.items():
            if mark in self.body:
                return kind
        return f"save {what}"


_SAVES = {
    b'"kind":"tombstone"': "save tombstone",
    b'"gave_up":true}': "give up",
    b'"settled":[': "settle",
}


def _what(key: str) -> str:
    name = key.partition("-")[0]
    if name in ("all", "customer"):
        return f"index {name}"
    return name if name in ("report", "cancel", "watch") else "order"


Rule = Callable[[Seen], Coroutine[Any, Any, Fate]]


async def let_pass(_call: Seen) -> Fate:
    return Fate.PASS


class Proxy:
    """As a context it listens on `port` and hands every call on to `upstream`."""

    def __init__(self, port: int, upstream: int) -> None:
        self.rule: Rule = let_pass
        self.on_loss: Callable[[], None] = lambda: None
        """Called at the very moment at which a call is lost, before its caller can notice."""
        self.seen: list[Seen] = []
        self._port = port
        self._upstream = f"http://127.0.0.1:{upstream}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _lose(self, writer: asyncio.StreamWriter) -> None:
        self.on_loss()
        writer.transport.abort()

    async def _listen(self) -> None:
        # Without a pool: a sidecar that was killed leaves no connection that seems open.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=self._upstream, timeout=30, limits=limits)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (received := await _request(connection, reader)) is not None:
                head, call = received
                self.seen.append(call)
                fate = await self.rule(call)
                if fate is Fate.LOST_BEFORE:
                    self._lose(writer)
                    return
                answer = await self._client.request(
                    call.method, call.target, headers=head, content=call.body
                )
                if fate is Fate.LOST_AFTER:
                    self._lose(writer)
                    return
                headers = [
                    (name, value)
                    for name, value in answer.headers.raw
                    if name.lower() not in (b"content-length", b"transfer-encoding", b"connection")
                ]
                if answer.status_code != 204:
                    headers.append((b"content-length", str(len(answer.content)).encode()))
                writer.write(
                    connection.send(h11.Response(status_code=answer.status_code, headers=headers))
                    + connection.send(h11.Data(data=answer.content))
                    + connection.send(h11.EndOfMessage())
                )
                await writer.drain()
                if connection.our_state is h11.MUST_CLOSE:
                    break
                connection.start_next_cycle()
        except (OSError, h11.ProtocolError, httpx.TransportError):
            pass  # the caller was killed, or the sidecar is away: both look like a lost call
        finally:
            writer.close()


async def _request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> tuple[list[tuple[bytes, bytes]], Seen] | None:
    """The next request on the connection, whole; None at its end."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = [(name, value) for name, value in head.headers if name != b"host"]
            return headers, Seen(head.method.decode(), head.target.decode(), bytes(body))
        else:
            return None
