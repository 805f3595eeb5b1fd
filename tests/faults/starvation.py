"""What one caller does to all others: bodies held back, streams nobody reads, many boards, and
events that nobody understands yet."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil

from tests.faults.audit import CaseResult
from tests.faults.load import Load
from tests.faults.orders import time_one
from tests.faults.run import Run

HEALTHY = 2.5
"""Seconds within which a health probe is answered beside 33 requests whose body never comes: they
hold the 16 places for a second, and then again."""
STARVED = 5.0
"""Seconds that a good order may take beside events of a newer version."""
BOARD = "/v1/api/fulfillment-orders/events?limit=60"
WINDOW = 16 * 1024
"""Bytes that a connection's client takes without reading."""
NEWEST = "/v1/api/fulfillment-orders/events?limit=1"
"""A board of some hundred bytes: what its stream sends in a minute lies unread in the kernel."""
LIFETIME = 60.0
"""Seconds of a stream."""
LATE = 5.0
"""Seconds after its time within which a stream has ended."""


def held_bodies(run: Run, posts: int = 33, seconds: float = 10) -> Iterator[CaseResult]:
    """Posts whose body never comes, by length and chunked: the health probe is answered."""
    for framing in ("content-length: 100", "transfer-encoding: chunked"):
        result = CaseResult(f"{posts} bodies held, {framing.partition(':')[0]}")
        head = f"POST /v1/api/orders HTTP/1.1\r\ncontent-type: application/json\r\n{framing}"
        end = time.monotonic() + seconds
        slowest = 0.0
        with ExitStack() as held:
            sockets = [held.enter_context(_ask(run, head)) for _ in range(posts)]
            while time.monotonic() < end:
                slowest = max(slowest, _probe(run))
                time.sleep(0.2)
            answers = {_status(each) for each in sockets}
        if slowest > HEALTHY:
            result.broken.append(f"a health probe took {slowest:.1f} s")
        if answers != {"408"}:
            result.broken.append(f"the held posts were answered {sorted(answers)}")
        result.notes.append(f"the slowest health probe took {slowest:.2f} s")
        time_one(run)
        result.acknowledged = result.fulfilled = 1
        yield result


def quiet_streams(run: Run, clients: int = 60) -> Iterator[CaseResult]:
    """Boards that are opened and never read, and nothing happens: each stream ends after a minute,
    and not before. Nobody reads them here either: what has come is only peeked at."""
    result = CaseResult(f"{clients} quiet boards that nobody reads")
    time_one(run)
    result.acknowledged = result.fulfilled = 1
    with ExitStack() as open_:
        begin = time.monotonic()
        sockets = [open_.enter_context(_ask(run, f"GET {NEWEST} HTTP/1.1")) for _ in range(clients)]
        left, ends = list(sockets), []
        while left and time.monotonic() - begin < LIFETIME + 2 * LATE:
            time.sleep(0.2)
            ended = [each for each in left if _peek(each).endswith(END)]
            ends += [time.monotonic() - begin] * len(ended)
            left = [each for each in left if each not in ended]
        statuses = {_status(each) for each in sockets}
    if statuses != {"200"}:
        result.broken.append(f"they were answered {sorted(statuses)}")
    if left:
        result.broken.append(f"{len(left)} streams go on after {LIFETIME + 2 * LATE:.0f} s")
    if ends and not (ends[0] >= LIFETIME - 1 and ends[-1] <= LIFETIME + LATE):
        result.broken.append("a stream does not end after a minute")
    result.notes.append(f"ended after {ends[0]:.1f} to {ends[-1]:.1f} s" if ends else "none ended")
    yield result


def unread_streams(run: Run, clients: int = 60) -> Iterator[CaseResult]:
    """Boards that are opened and never read, while orders come: each stream ends all the same, by
    what it has sent."""
    yield from quiet_streams(run, clients)
    result = CaseResult(f"{clients} boards that nobody reads")
    process = psutil.Process(run.stack.pid("counter-api"))
    before = process.memory_info().rss
    with ExitStack() as open_:
        sockets = [open_.enter_context(_ask(run, f"GET {BOARD} HTTP/1.1")) for _ in range(clients)]
        with Load(run.url("counter"), run.rate, run.seed) as load:
            time.sleep(LIFETIME + 10)
            load.stop()
        grown = (process.memory_info().rss - before) >> 20
        ended = sum(_has_ended(each) for each in sockets)
    if ended != clients:
        result.broken.append(f"{clients - ended} streams go on after {LIFETIME + 10:.0f} s")
    _count(result, load)
    result.notes.append(f"{ended} ended; counter-api grew by {grown} MB")
    yield result


def boards(run: Run, clients: int = 200, seconds: float = 60) -> Iterator[CaseResult]:
    """Open boards, each read and opened again as it ends, beside five orders a second: no post is
    refused."""
    result = CaseResult(f"{clients} open boards")
    with _watching(run, clients) as seen, Load(run.url("counter"), 5, run.seed) as load:
        time.sleep(seconds)
        load.stop()
    _count(result, load)
    refused = [a for a in load.attempts if a.status != 201]
    if refused:
        told = sorted({a.status or 0 for a in refused})
        result.broken.append(f"{len(refused)} of {len(load.attempts)} posts were answered {told}")
    taken = sorted(a.seconds for a in load.attempts)
    result.notes.append(f"p99 of a post {taken[int(len(taken) * 0.99)]:.2f} s")
    result.notes.append(f"{seen['versions']} versions, {seen['bytes'] >> 20} MB")
    result.notes.append(f"{seen['refused']} boards refused")
    yield result


def newer_versions(run: Run, events: int = 250, seconds: float = 30) -> Iterator[CaseResult]:
    """Events of a version that no API knows yet, on each topic: good orders are made beside."""
    result = CaseResult(f"{events} events of a newer version")
    topics = [f"{s}_order_{what}" for s in ("barista", "kitchen") for what in ("placed", "updated")]
    with httpx.Client(timeout=10) as client:
        for topic in topics:
            _publish(client, run, topic, events)
    end = time.monotonic() + seconds
    slowest = 0.0
    while time.monotonic() < end:
        slowest = max(slowest, time_one(run))
        result.acknowledged += 1
        result.fulfilled += 1
    if slowest > STARVED:
        result.broken.append(f"an order took {slowest:.1f} s")
    stores = run.auditor.stores
    dead = {topic: len(stores.events(f"{topic}_dead")) for topic in topics}
    if any(count < events for count in dead.values()):
        result.broken.append(f"not all are dead letters: {dead}")
    result.notes.append(f"the slowest order took {slowest:.2f} s")
    yield result


def _publish(client: httpx.Client, run: Run, topic: str, count: int) -> None:
    """Through the sidecar of the API that may publish it."""
    api = "counter" if topic.endswith("placed") else topic.partition("_")[0]
    url = f"http://127.0.0.1:{run.stack.ports.sidecar(api)}/v1.0/publish/pubsub/{topic}"
    headers = {"dapr-api-token": run.stack.secrets["sidecar_token"]}
    for _ in range(count):
        event = {"version": 2, "orderId": "nobody"}
        client.post(url, json=event, headers=headers).raise_for_status()


END = b"\r\n0\r\n\r\n"
"""Of a body in chunks that is whole."""


def _peek(connection: socket.socket) -> bytes:
    """What has come, which stays there."""
    connection.setblocking(False)
    try:
        return connection.recv(1 << 16, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def _ask(run: Run, head: str) -> socket.socket:
    """A connection on which only a request's head was sent."""
    connection = socket.socket()
    # Before it connects: a client that does not read shall not be one that has room for all.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    connection.connect(("127.0.0.1", run.stack.ports.app("counter")))
    connection.sendall(f"{head}\r\nhost: shop\r\n\r\n".encode())
    return connection


def _probe(run: Run) -> float:
    begin = time.monotonic()
    httpx.get(f"{run.url('counter')}/healthz/counter", timeout=60).raise_for_status()
    return time.monotonic() - begin


def _status(connection: socket.socket) -> str:
    connection.settimeout(0.1)
    try:
        return connection.recv(64).partition(b" ")[2][:3].decode()
    except TimeoutError:
        return "not at all"


def _has_ended(connection: socket.socket) -> bool:
    """Whether what lies there by now ends as a whole body does: the client reads only now, and a
    stream that was held up would go on."""
    deadline = time.monotonic() + 1
    last = b""
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            last = (last + connection.recv(1 << 16))[-16:]
        except TimeoutError:
            return False
        if last.endswith(END):
            return True
    return False


@contextmanager
def _watching(run: Run, clients: int) -> Iterator[dict[str, int]]:
    """So many boards, as pages hold them open; what they were sent."""
    seen = {"versions": 0, "bytes": 0, "refused": 0}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            with _ask(run, f"GET {BOARD} HTTP/1.1") as connection:
                for part in _parts(connection, done):
                    seen["bytes"] += len(part)
                    seen["versions"] += part.count(b"data: ")
                    if part.startswith(b"HTTP/1.1 503"):
                        seen["refused"] += 1
                        done.wait(2)
                        break
            done.wait(0.7)

    threads = [threading.Thread(target=watch, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _parts(connection: socket.socket, done: threading.Event) -> Iterable[bytes]:
    """What comes until it has ended."""
    connection.settimeout(1)
    while not done.is_set():
        try:
            part = connection.recv(1 << 16)
        except TimeoutError:
            continue
        if not part:
            return
        yield part
        if part.endswith(b"0\r\n\r\n"):
            return


def _count(result: CaseResult, load: Load) -> None:
    result.acknowledged = sum(a.is_acknowledged for a in load.attempts)
