"""The seam to the outside: one call to the sidecar, one reply or none.

The guest sends over WASI HTTP (`coffeeshop.wasi`), host tools and tests over whatever they like.
"""

from dataclasses import dataclass
from typing import Protocol

TIMEOUT = 1.0
"""Seconds that a transport waits: for a connection, for an answer to begin, for more of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the sidecar. `target` is path and query."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: a transport raises `NoAnswer` for one that was cut short."""

    status: int
    body: bytes = b""
    etag: str | None = None


class NoAnswer(Exception):
    """No whole reply came back: whether the call had its effect is unknown."""


class Unavailable(Exception):
    """What an API depends on did not confirm a call: it may or may not have had its effect. The
    text says what did not, for the log."""


class Transport(Protocol):
    async def send(self, call: Call) -> Reply:
        """Send the call once. Raises `NoAnswer`."""
        ...
