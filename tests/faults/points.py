"""A stack whose counter-api ends at chosen calls to its sidecar, by a proxy between the two."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from counter.ids import derived_id
from scripts.stack.plan import Ports
from scripts.stack.supervise import Stack
from tests.faults.kinds import kind_of
from tests.faults.load import Attempt, post
from tests.faults.store_reader import StoreReader
from tests.support.proxy import Call, CallFault, Proxy

Point = tuple[str, CallFault]
"""A call, and what becomes of it; in that moment counter-api is killed."""


@dataclass
class Points:
    """What shall happen to which order's calls: the next step of each, once."""

    steps: dict[str, list[Point]] = field(default_factory=dict)
    placing: str = ""
    """The order whose calls without an id, of the menu and of index heads, are meant."""
    held: Mapping[str, float] = field(default_factory=dict)
    reached: int = 0
    _has_read_watch: bool = False

    async def rule(self, call: Call) -> CallFault:
        text = call.target + call.body.decode("latin-1")
        kind = self._kind(call)
        if kind == "save order":
            await asyncio.sleep(max((s for o, s in self.held.items() if o in text), default=0))
        # An index segment holds earlier orders too: the entry that is added is its last.
        known = sorted((each for each in self.steps if each in text), key=text.rfind, reverse=True)
        for order_id in known or [self.placing]:
            steps = self.steps.get(order_id)
            if steps and kind == steps[0][0]:
                self.reached += 1
                return steps.pop(0)[1]
        return CallFault.PASS

    def _kind(self, call: Call) -> str:
        """A sweep saves what it remembers twice: to claim the work, and at its end."""
        kind = kind_of(call)
        if kind in ("read heads", "read watch"):
            self._has_read_watch = kind == "read watch"
        if kind == "save watch":
            return "remember" if self._has_read_watch else "claim"
        return kind


class ProxiedStack:
    """What the cases do to the stack behind the proxy."""

    def __init__(self, stack: Stack, proxy: Proxy) -> None:
        self.stack = stack
        self.stores = StoreReader(stack)
        self.points = Points()
        self.counter = f"http://127.0.0.1:{stack.ports.app('counter')}"
        self._secret = stack.secrets["id_secret"].encode()
        proxy.rule = self.points.rule
        proxy.on_loss = lambda: stack.kill("counter-api")

    def place(self, steps: Sequence[Point], *stations: str, held: float = 0) -> tuple[str, Attempt]:
        """Post one order, of both stations or of one, once counter-api answers at all; `steps` are
        its crash points."""
        self._await_counter()
        items = {"barista": {"itemType": 1}, "kitchen": {"itemType": 7}}
        body = {
            "loyaltyMemberId": "ann",
            "items": [items[station] for station in stations or items],
        }
        attempt = Attempt(str(uuid4()), body, time.time())
        order_id = derived_id(self._secret, "", attempt.key)
        self.points.steps[order_id] = list(steps)
        self.points.placing = order_id
        if held:
            self.points.held = {**self.points.held, order_id: held}
        attempt.status, attempt.order_id = asyncio.run(self.post(attempt))
        return order_id, attempt

    def placed(self, *stations: str) -> str:
        """An order that was taken."""
        while True:
            order_id, attempt = self.place((), *stations)
            if attempt.status == 201:
                return order_id

    async def post(self, attempt: Attempt) -> tuple[int | None, str | None]:
        async with httpx.AsyncClient(base_url=self.counter, timeout=8) as client:
            return await post(client, attempt)

    def _await_counter(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                if httpx.get(f"{self.counter}/healthz/counter", timeout=1).status_code == 204:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("counter-api does not come back")
            time.sleep(0.05)


@contextmanager
def behind_proxy(home: Path, offset: int, **settings: str) -> Iterator[ProxiedStack]:
    """A stack of its own, whose counter-api speaks to its sidecar by the proxy."""
    ports = Ports(offset)
    port = ports.sidecar("counter") + 90  # used by no process of a stack
    stack = Stack(home, offset, {"counter-api": {"sidecar_port": str(port), **settings}})
    with Proxy({port: ("counter", ports.sidecar("counter"))}) as proxy, stack:
        stack.up()
        yield ProxiedStack(stack, proxy)
