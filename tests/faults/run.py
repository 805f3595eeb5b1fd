"""What a case of the fault suite gets: a stack to break, and how hard."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from scripts.stack.supervise import Stack
from tests.faults.audit import PROMISED, Auditor, CaseResult
from tests.faults.load import SOLD_OUT, Attempt, Load

PORT_OFFSET = int(os.environ.get("COFFEESHOP_TEST_PORT_OFFSET") or 20_000)
"""Of the stack that is broken; a thousand below it is a second one, behind a proxy."""


@dataclass
class Run:
    """A stack to break, and how hard."""

    stack: Stack
    seed: int
    rate: float = 20
    seconds: float = 60
    pairs: int = 10
    outage: float = 30
    absence: float = 300
    """Seconds for which a station is away."""
    connections: int = 256

    def __post_init__(self) -> None:
        self.auditor = Auditor(self.stack)
        self.random = random.Random(self.seed)

    def url(self, api: str) -> str:
        return f"http://127.0.0.1:{self.stack.ports.app(api)}"

    def sell_out(self, staff_token: str = "") -> None:
        target = f"{self.url('kitchen')}/v1/api/kitchen/unavailable/{SOLD_OUT}"
        headers = {"authorization": f"Bearer {staff_token}"} if staff_token else {}
        httpx.put(target, headers=headers, timeout=10).raise_for_status()

    def under_load(
        self,
        fault: str,
        disturb: Callable[[list[Attempt]], float],
        promised: float = PROMISED,
    ) -> CaseResult:
        """`disturb` breaks and mends, and returns when it was mended; all ends within the promised
        time from there."""
        end = time.monotonic() + self.seconds
        with Load(self.url("counter"), self.rate, self.random.randrange(1 << 32)) as load:
            monitor = self.auditor.monitor(load.attempts)
            with monitor:
                mended = disturb(load.attempts)
                time.sleep(max(0.0, end - time.monotonic()))
                load.stop()
                return self.auditor.audit(fault, load.attempts, monitor, mended, promised)

    def some_moment(self) -> None:
        """Wait for a random moment in the first two thirds of the load."""
        time.sleep(self.seconds * self.random.uniform(0.1, 0.6))
