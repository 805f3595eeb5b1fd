"""A stream of changes: what is sent, when it ends, and what it survives."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from coffeeshop.environment import Environment
from coffeeshop.settings import Settings
from coffeeshop.sidecar import Unavailable
from coffeeshop.transport import Call, Reply
from counter.live import HEARTBEAT, LIFETIME, events, once_ended

PAUSE = 0.5


@dataclass
class Watcher:
    """Takes the parts of a stream; hangs up after `patience` of them."""

    patience: int = 10_000
    parts: list[bytes] = field(default_factory=list)

    async def send(self, part: bytes) -> bool:
        self.parts.append(part)
        return len(self.parts) < self.patience


class NoSidecar:
    async def send(self, call: Call) -> Reply:
        raise AssertionError(call)


def follow(
    watcher: Watcher, version: Callable[[float], bytes], wait: float | None = None
) -> tuple[float, list[str]]:
    """Follow a document whose version depends on the time, or wait for its end; the seconds that
    took, and the log. An empty version is a store that does not answer, `end` the last one."""
    time, logged = 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal time
        time += seconds

    async def read() -> tuple[bytes, bool]:
        if not (now := version(time)):
            raise Unavailable("The store did not answer.")
        return now, now == b"end"

    env = Environment(Settings(), NoSidecar(), lambda: datetime.now(UTC), bytes, sleep)
    first = version(0), False
    if wait is None:
        answer = events(env, lambda event, **_: logged.append(event), first, read, PAUSE)
    else:
        answer = once_ended(env, lambda event, **_: logged.append(event), first, read, wait)
    assert answer.stream is not None
    assert answer.media_type == ("text/event-stream" if wait is None else "application/json")
    stream = answer.stream

    async def watch() -> None:
        await stream(watcher)

    asyncio.run(watch())
    return time, logged


def test_each_version_is_sent_once_and_the_last_one_ends_the_stream() -> None:
    watcher = Watcher()
    took, _ = follow(watcher, lambda t: b"a" if t < 1 else b"b" if t < 2 else b"end")
    assert watcher.parts == [b"retry: 1000\ndata: a\n\n", b"data: b\n\n", b"data: end\n\n"]
    assert took == 2


def test_silence_is_broken_by_a_comment_and_the_stream_ends_after_its_lifetime() -> None:
    watcher = Watcher()
    took, _ = follow(watcher, lambda _: b"a")
    assert took == LIFETIME
    assert watcher.parts[1:] == [b":\n\n"] * int(LIFETIME / HEARTBEAT)


def test_whoever_hangs_up_is_not_read_for_any_longer() -> None:
    took, _ = follow(Watcher(patience=2), lambda _: b"a")
    assert took == HEARTBEAT


def test_a_store_that_is_away_for_a_while_is_waited_for() -> None:
    watcher = Watcher()
    follow(watcher, lambda t: b"a" if t < 1 else b"" if t < 3 else b"end")
    assert watcher.parts[-1] == b"data: end\n\n"


def test_what_goes_wrong_ends_the_stream_and_is_logged() -> None:
    def broken(time: float) -> bytes:
        if time:
            raise ZeroDivisionError
        return b"a"

    watcher = Watcher()
    _, logged = follow(watcher, broken)
    assert (len(watcher.parts), logged) == (1, ["stream.failed"])


def test_who_waits_gets_the_end_alone() -> None:
    watcher = Watcher()
    took, _ = follow(watcher, lambda t: b"a" if t < 1 else b"" if t < 2 else b"end", wait=30)
    assert watcher.parts == [b"end"]
    assert 2 <= took < 2.5


def test_who_waited_long_enough_gets_what_was_seen_last() -> None:
    watcher = Watcher()
    took, _ = follow(watcher, lambda t: b"a" if t < 1 else b"b" if t < 2 else b"", wait=3)
    assert watcher.parts == [b"b"]
    assert took == 3
