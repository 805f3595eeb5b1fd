"""Everything of the outside world that an API needs, passed in at the one place that wires it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from coffeeshop.settings import Settings
from coffeeshop.transport import Transport


@dataclass(frozen=True, slots=True)
class Environment:
    """Settings, sidecar transport, clock (UTC), random bytes and sleep (seconds)."""

    settings: Settings
    transport: Transport
    clock: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    sleep: Callable[[float], Awaitable[None]]

    def choose(self, below: int) -> int:
        """A random integer from 0 up to but without `below`."""
        return int.from_bytes(self.entropy(4)) % below

    async def jitter(self) -> None:
        """Sleep for 1 to 20 ms, so that those who met do not meet again."""
        await self.sleep((1 + self.choose(20)) / 1000)
