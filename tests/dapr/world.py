"""What the simulated sidecar needs of the world around it: time, chance, and the APIs."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from coffeeshop.http import Response
from coffeeshop.transport import Call, Reply

Answered = Callable[[Reply | None], None]
"""Takes the sidecar's answer to a call, or None for no answer."""


class Backend(Protocol):
    """What answers an API's calls: a sidecar."""

    def handle(self, call: Call, answer: Answered) -> None: ...


class World(Protocol):
    """Time and chance. `fired` counts what happened by chance."""

    fired: Counter[str]

    def after(self, milliseconds: int, happens: Callable[[], None]) -> None:
        """Let something happen so much later."""
        ...

    def injects(self, fault: str, /) -> bool:
        """Whether the fault happens here and now."""
        ...

    def draw(self, below: int, /) -> int:
        """A choice from 0 up to but without `below`; 0 is the harmless one."""
        ...

    def note(self, actor: str, text: str, /) -> None:
        """For the story of what happened."""
        ...


class App(Protocol):
    """An API's process, as its sidecar reaches it."""

    name: str
    sidecar: Backend

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        answer: Callable[[Response | None], None],
    ) -> None:
        """Send a request. `answer` is called once; None is no answer."""
        ...

    def clock(self) -> datetime | None:
        """What its host says as the date of an answer; None says nothing."""
        ...


class Calm:
    """A world in which nothing goes wrong by chance. `after` is how time passes in it."""

    def __init__(self, after: Callable[[int, Callable[[], None]], None]) -> None:
        self.after = after
        self.fired: Counter[str] = Counter()

    def injects(self, _fault: str) -> bool:
        return False

    def draw(self, _below: int) -> int:
        return 0

    def note(self, _actor: str, _text: str) -> None:
        return
