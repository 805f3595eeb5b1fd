"""A stream of changes: what is sent, when it ends, and what it survives."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from coffeeshop import live
from coffeeshop.environment import Environment
from coffeeshop.http import Problem, Response
from coffeeshop.live import (
    HEARTBEAT,
    MAX_FOLLOW_INTERVAL,
    MAX_STREAM_BYTES,
    MAX_STREAM_SECONDS,
    MAX_STREAMS,
    Snapshot,
    events,
    long_poll,
)
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, Reply, ServiceUnavailable

PAUSE = 0.5
NOW = datetime(2026, 11, 26, tzinfo=UTC)


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

    async def read() -> Snapshot:
        if not (now := version(time)):
            raise ServiceUnavailable("The store did not answer.")
        return Snapshot(now, now == b"end")

    env = Environment(Settings(), NoSidecar(), lambda: NOW + timedelta(seconds=time), bytes, sleep)
    first = Snapshot(version(0), False)
    if wait is None:
        answer = events(env, lambda event, **_: logged.append(event), first, read, PAUSE)
    else:
        answer = long_poll(env, lambda event, **_: logged.append(event), first, read, wait)
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
    assert 2 <= took < 2 + MAX_FOLLOW_INTERVAL


def test_silence_is_broken_by_a_comment_and_the_stream_ends_after_its_lifetime() -> None:
    watcher = Watcher()
    took, _ = follow(watcher, lambda _: b"a")
    assert took == MAX_STREAM_SECONDS
    assert set(watcher.parts[1:]) == {b":\n\n"}
    assert len(watcher.parts) > MAX_STREAM_SECONDS / (HEARTBEAT + MAX_FOLLOW_INTERVAL)


def test_a_stream_whose_client_hung_up_reads_no_longer() -> None:
    took, _ = follow(Watcher(patience=2), lambda _: b"a")
    assert HEARTBEAT <= took < HEARTBEAT + MAX_FOLLOW_INTERVAL


def test_a_stream_ends_before_it_has_sent_more_than_the_host_takes_unread() -> None:
    watcher = Watcher()
    took, _ = follow(watcher, lambda t: b"%d" % t * 30_000)
    assert MAX_STREAM_BYTES <= sum(map(len, watcher.parts)) < 400_000
    assert took < MAX_STREAM_SECONDS


class Board:
    """Streams of one instance that follow the same list, on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now, self.looks, self.entries = NOW, 0, [b"1", b"2"]
        self._wake: list[asyncio.Event] = []
        self.env = Environment(Settings(), NoSidecar(), lambda: self.now, bytes, self._sleep)

    async def _sleep(self, _: float) -> None:
        event = asyncio.Event()
        self._wake.append(event)
        await event.wait()

    async def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        woken, self._wake = self._wake, []
        for event in woken:
            event.set()
        for _ in range(10):
            await asyncio.sleep(0)

    async def read(self) -> Snapshot:
        self.looks += 1
        return self.document()

    def document(self) -> Snapshot:
        return Snapshot(b"[%s]" % b",".join(self.entries), False, tuple(self.entries))

    def stream(self, *, only_changes: bool = False) -> Response:
        changes = (lambda entries: b"+[%s]" % b",".join(entries)) if only_changes else None
        return events(
            self.env, lambda *_, **__: None, self.document(), self.read, 1, key="b", changes=changes
        )


def test_one_look_serves_all_streams_that_follow_the_same() -> None:
    async def scenario() -> None:
        board, watchers = Board(), [Watcher() for _ in range(50)]
        tasks = [asyncio.create_task(board.stream().stream(w)) for w in watchers]  # type: ignore[misc,arg-type]
        await board.tick(0)
        for number in range(5):
            board.entries.append(b"%d" % (number + 3))
            await board.tick(1)
        assert board.looks == 5
        assert all(w.parts[-1] == b"data: [1,2,3,4,5,6,7]\n\n" for w in watchers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not live._followed

    asyncio.run(scenario())


def test_who_wants_changes_gets_a_whole_list_and_then_what_is_new() -> None:
    async def scenario() -> None:
        board, watcher = Board(), Watcher()
        task = asyncio.create_task(board.stream(only_changes=True).stream(watcher))  # type: ignore[misc,arg-type]
        await board.tick(0)
        board.entries = [b"1", b"2*", b"3"]
        await board.tick(1)
        assert watcher.parts == [b"retry: 1000\ndata: [1,2]\n\n", b"data: +[2*,3]\n\n"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


def test_beyond_the_bound_a_stream_is_refused_until_another_one_ends() -> None:
    async def scenario() -> None:
        board = Board()
        tasks = [asyncio.create_task(board.stream().stream(Watcher())) for _ in range(MAX_STREAMS)]  # type: ignore[misc,arg-type]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            live.check_stream_limit()
        assert refused.value.status == 503
        assert dict(refused.value.headers)["retry-after"]
        tasks.pop().cancel()
        await asyncio.sleep(0.01)
        live.check_stream_limit()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())


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
