"""The calls to its sidecar with which counter-api places an order, recorded between the two.

To see which wait for which, the proxy holds every call for a moment before it hands it on. So
calls that are made at once overlap, and those that wait for one another cannot: the longest chain
of calls that do not overlap is how many wait for one another.
"""

import asyncio
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.bench import orders
from tests.bench.stacks import OFFSET, Bench, api
from tests.support.proxy import Call, CallFault, Exchange, Proxy

HELD = 0.02
"""Seconds for which a call is held."""
PORT = OFFSET + 5_730
PLACED = 15


async def hold(_call: Call) -> CallFault:
    await asyncio.sleep(HELD)
    return CallFault.PASS


@dataclass(frozen=True)
class Placing:
    """An order: its id, what its POS was answered, and counter-api's calls before that."""

    order_id: str
    answer: bytes
    calls: tuple[Exchange, ...]

    @property
    def depth(self) -> int:
        """Calls that wait for one another."""
        return len(chain(self.calls))

    @property
    def size(self) -> int:
        return sum(call.size for call in self.calls)


def chain(calls: Iterable[Exchange]) -> list[Exchange]:
    """The longest chain of calls each of which began after the one before had ended."""
    found: list[Exchange] = []
    for call in sorted(calls, key=lambda each: each.ended):
        if not found or call.begun >= found[-1].ended:
            found.append(call)
    return found


def groups(calls: Iterable[Exchange]) -> list[list[Exchange]]:
    """The calls as they were made: each group began when all of the one before had ended."""
    found: list[list[Exchange]] = []
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
        Proxy(ports) as proxy,
        api("counter", "ours", PORT + 1, stack, sidecar_port=PORT) as single,
    ):
        proxy.rule = hold
        for number in range(PLACED):
            proxy.exchanges.clear()
            answer = orders.place(f"http://127.0.0.1:{single.port}", number)
            found.append(Placing(answer.json()["id"], answer.content, tuple(proxy.exchanges)))
    return found


def typical(placed: Sequence[Placing]) -> Placing:
    """Of the orders of the usual depth that whose bodies have the median size."""
    depth = statistics.mode(each.depth for each in placed)
    usual = [each for each in placed if each.depth == depth]
    return sorted(usual, key=lambda each: each.size)[len(usual) // 2]
