"""Waiting for what is not there yet."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def within(condition: Callable[[], T], seconds: float, *, pause: float = 0.1) -> T:
    """What the condition returned when it held, or at last."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return found


def until(
    condition: Callable[[], Any], seconds: float, what: str, *, pause: float = 0.1
) -> Any:  # not None any more, which its type cannot say
    """What the condition returned when it held. Raises `AssertionError` with `what` when it does
    not hold within so many seconds."""
    found = within(condition, seconds, pause=pause)
    assert found, what
    return found
