"""Broker and store alone: what Dapr asks of Valkey for an event and for a document.

Clients of Valkey's own protocol, each of which asks again as soon as it is answered.
"""

import asyncio
import time
from collections.abc import Iterator

import uvloop

from tests.bench.calls import Placing
from tests.bench.measures import Measure, figure
from tests.bench.stacks import Bench

CONNECTIONS = (1, 8, 64)
SAVE = """
local etag = redis.pcall("HGET", KEYS[1], "version");
if type(etag) == "table" then redis.call("DEL", KEYS[1]); end;
local fwr = redis.pcall("HGET", KEYS[1], "first-write");
if not etag or type(etag) == "table" or etag == "" or etag == ARGV[1]
  or (not fwr and ARGV[1] == "0") then
  redis.call("HSET", KEYS[1], "data", ARGV[2]);
  if ARGV[3] == "0" then redis.call("HSET", KEYS[1], "first-write", 0); end;
  return redis.call("HINCRBY", KEYS[1], "version", 1)
else return error("failed to set key " .. KEYS[1]) end
"""
"""Dapr's own script (components-contrib, state/redis), which runs for every save."""


def measure(stack: Bench, order: Placing, seconds: float) -> Iterator[Measure]:
    """With bodies of the sizes that the order's own calls have."""
    event = _largest(order, "/publish/")
    document = _largest(order, "/state/")
    commands = {
        "broker alone: XADD": ("XADD", "bench", "*", "data", event),
        "store alone: Dapr's save": ("EVAL", SAVE, "1", "bench-document", "0", document, "1"),
    }
    for name, command in commands.items():
        for connections in CONNECTIONS:
            rate = uvloop.run(_ask(stack, command, connections, seconds))
            yield Measure(f"{name}, {connections} connections", "1/s", figure(rate))


def _largest(order: Placing, path: str) -> str:
    bodies = (each.call.body for each in order.calls if path in each.call.target)
    return max(bodies, key=len).decode()


async def _ask(stack: Bench, command: tuple[str, ...], connections: int, seconds: float) -> float:
    """Answers a second."""
    line = _encode(command)
    login = _encode(("AUTH", stack.secrets["valkey_password"]))
    end = time.monotonic() + seconds

    async def client() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports.valkey)
        writer.write(login)
        await reader.readline()
        asked = 0
        while time.monotonic() < end:
            writer.write(line)
            answer = await reader.readline()
            if answer.startswith(b"$"):
                await reader.readline()
            elif not answer.startswith(b":"):
                raise ValueError(answer)
            asked += 1
        writer.close()
        return asked

    begin = time.monotonic()
    asked = sum(await asyncio.gather(*(client() for _ in range(connections))))
    return asked / (time.monotonic() - begin)


def _encode(parts: tuple[str, ...]) -> bytes:
    """A command in Valkey's protocol (RESP)."""
    encoded = [part.encode() for part in parts]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in encoded)
