"""The seam to the outside: one call to the sidecar, one reply or none.

The guest sends over WASI HTTP (`coffeeshop.wasi`), host tools and tests over whatever they like.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

TIMEOUT = 1.0
"""Seconds that a transport waits, unless a call says less: for a connection, for an answer to
begin, for more of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the sidecar. `target` is path and query."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    wants_date: bool = False
    """Whether the reply's date is asked of the host, which costs as much as any header."""
    timeout: float = TIMEOUT
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: a transport raises `NoAnswer` for one that was cut short. `date` is what the
    clock of the one who answered says, to the second, where the call wants it."""

    status: int
    body: bytes = b""
    etag: str | None = None
    date: datetime | None = None


def moment_of(date: str | None) -> datetime | None:
    """The moment of a `Date` header; None for what is none."""
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


class NoAnswer(Exception):
    """No whole reply came back: whether the call had its effect is unknown."""


class ServiceUnavailable(Exception):
    """What an API depends on did not confirm a call: it may or may not have had its effect. The
    text says what did not, for the log."""


class Transport(Protocol):
    async def send(self, call: Call) -> Reply:
        """Send the call once. Raises `NoAnswer`."""
        ...
