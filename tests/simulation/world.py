"""The simulated world: virtual time, the four processes' comings and goings, and their calls.

Each call of an API to its sidecar is two events, applied and answered. Either can be late, lost or
repeated, and the API can die before each: so a crash at every await, and every call whose outcome
its caller never learns, come up by themselves.
"""

import asyncio
import heapq
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from coffeeshop.http import Request, Response
from coffeeshop.transport import Call, NoAnswer, Reply
from tests.dapr.world import Backend
from tests.simulation.loop import GuestLoop, tasks_of_request
from tests.simulation.tape import Tape

BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_DIGEST = re.compile(r"[0-9a-f]{60,}")

serving: ContextVar["Serving | None"] = ContextVar("serving", default=None)

Handler = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Response | None], None]
"""Takes what a request was answered, or None for no answer."""


class Violation(Exception):
    """An invariant of docs/guarantees.md does not hold."""


@dataclass(slots=True)
class Serving:
    """A request that an API is serving: its route, and the order that it is about."""

    what: str
    order: str | None


FAULTS = (
    "app dies at a call",
    "call is late",
    "call is lost",
    "answer is lost",
    "answer is cut short",
    "call is repeated",
    "store repeats a write",
    "delivery is doubled",
    "delivery is late",
    "delivery's answer is lost",
    "dead letter is lost",
    "two replicas sweep",
    "bulk publish stops half way",
    "menu is refused (429)",
)
"""Faults of single calls and deliveries. Each has a rate, drawn for each run, zero included."""


LATE = (50, 300, 900, 1_500, 5_000, 12_000, 40_000)


class World:
    """Time is in milliseconds since the beginning of the run."""

    def __init__(self, tape: Tape, *, tracing: bool = False) -> None:
        self.tape = tape
        self.now = 0
        self.loop = GuestLoop()  # type: ignore[abstract] # typeshed's has no bodies, asyncio's has
        self.rates: dict[str, float] = {}
        self.fired: Counter[str] = Counter()
        self.visited: Counter[tuple[str, str]] = Counter()
        """Points where an API could have died, with the state of the order there."""
        self.crash_points: Counter[tuple[str, str]] = Counter()
        """Points where one did."""
        self.crash_plan: dict[int, bool] = {}
        """Step -> whether the calls that were under way still have their effect."""
        self.healed_at: int | None = None
        """When the faults end, where that is known: what is down is back by then."""
        self.steps = 0
        self.lands_asked = 0
        """How many calls were on their way when an API died the last time."""
        self.order_state: Callable[[str | None], str] = lambda _: "-"
        self.on_call: Callable[[App, Call], None] = lambda *_: None
        """Called when an API begins a call to its sidecar."""
        self.trace: list[str] | None = [] if tracing else None
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self._entropy = 0
        self.one_shard = False
        """Whether every choice of a shard is the same, so that all writers meet."""
        self.forgotten: list[Any] = []

    def after(self, milliseconds: int, happens: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (self.now + milliseconds, self._number, happens))

    def step(self, until: int) -> bool:
        """Let the next thing happen. False if there is none before `until`."""
        if not self._queue or self._queue[0][0] > until:
            self.now = until
            return False
        self.now, _, happens = heapq.heappop(self._queue)
        happens()
        if self.loop.is_busy:
            self.loop.run_ready()
        return True

    def lateness(self) -> int:
        """How late something late is: so long, or just until something else happens."""
        choice = self.tape.draw(len(LATE) + 4)
        if choice < len(LATE):
            return LATE[choice]
        if choice == len(LATE) and self._queue:
            moment = self._queue[self.tape.draw(min(16, len(self._queue)))][0]
        else:
            return 0
        return max(0, moment - self.now + self.tape.draw(6))

    def note(self, actor: str, text: str) -> None:
        if self.trace is not None:
            text = _DIGEST.sub("…", text).replace("/v1.0/", "")
            self.trace.append(f"{self.now / 1000:9.3f}  {actor:19} {text}")

    def draw(self, below: int) -> int:
        return self.tape.draw(below)

    def injects(self, fault: str) -> bool:
        """Whether the fault happens here and now."""
        rate = self.rates.get(fault)
        if not rate or not self.tape.chance(rate):
            return False
        self.fired[fault] += 1
        self.note("fault", fault)
        return True

    def violated(self, number: int, text: str) -> None:
        """An invariant does not hold; the run ends after this step."""
        self.loop.errors.append(f"G{number}: {text}")

    def heal(self) -> None:
        """No more faults from here on."""
        self.rates = {}
        self.crash_plan = {}

    # What an API gets injected

    def clock(self) -> datetime:
        return BEGIN + timedelta(milliseconds=self.now)

    def entropy(self, count: int) -> bytes:
        """Bytes that never come again in a run: a counter, mixed."""
        self._entropy += 1
        if count <= 4 and self.one_shard:
            return bytes(count)
        mixed = (self._entropy * 0x9E3779B97F4A7C15F39CC0605CEDC835) & (1 << 128) - 1
        return mixed.to_bytes(16)[-count:] if count <= 4 else mixed.to_bytes(16)[:count]

    async def sleep(self, seconds: float) -> None:
        future = self.loop.create_future()
        self.after(int(seconds * 1000), lambda: future.set_result(None))
        await future


class App:
    """One API's process: its handler by epoch. A crash begins a new epoch and forgets the old."""

    def __init__(self, world: World, name: str, build: Callable[["App"], Handler]) -> None:
        self.world = world
        self.name = name
        self.is_up = True
        self.epoch = 0
        self.ahead = timedelta(0)
        """How far its clock is ahead of the world's."""
        self.lands: bool | None = None
        """Whether what had left the process when it died still arrives; None: by the tape."""
        self.sidecar: Backend
        self._build = build
        self._handler = build(self)
        self._in_flight: dict[int, Answer] = {}
        self._requests = 0

    def clock(self) -> datetime:
        return self.world.clock() + self.ahead

    def crash(self, downtime: int = 2000, *, lands: bool | None = None) -> None:
        """The process dies: no `finally` runs, open connections break, module state is lost."""
        if not self.is_up:
            return
        self.world.note(self.name, "dies")
        self.is_up = False
        self.epoch += 1
        self.lands = lands
        self.world.lands_asked = 0
        for answer in self._in_flight.values():
            self.world.after(1, _say_nothing(answer))
        self._in_flight = {}
        self.world.after(downtime, self._start)

    def _start(self) -> None:
        self.world.note(self.name, "is back")
        self._handler = self._build(self)
        self.is_up = True

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        answer: Answer,
    ) -> None:
        """Send a request to the API. `answer` is called once."""
        if not self.is_up:
            self.world.after(1, _say_nothing(answer))
            return
        self._requests += 1
        number = self._requests
        self._in_flight[number] = answer

        async def read_body(limit: int) -> bytes:
            return body

        request = Request(method, target, dict(headers).get, read_body)
        found = _UUID.search(target) or _UUID.search(body.decode("latin-1"))
        path = _UUID.sub("…", target.partition("?")[0])
        tasks: list[asyncio.Task[Any]] = []
        context = copy_context()
        context.run(tasks_of_request.set, tasks)
        context.run(serving.set, Serving(f"{method} {path}", found[0] if found else None))
        coroutine: Any = _whole(self._handler(request))
        task = self.world.loop.create_task(coroutine, context=context)
        self.world.forgotten.append(task)
        epoch = self.epoch

        def done(finished: "asyncio.Task[Response]") -> None:
            if epoch != self.epoch:
                return
            if any(not each.done() for each in tasks):
                self.world.violated(14, f"{method} {path} ended with a task pending")
            response = finished.result()
            del self._in_flight[number]
            answer(response)

        task.add_done_callback(done)

    # The transport that the API's calls go through

    async def send(self, call: Call) -> Reply:
        exchange = _Exchange(self, call)
        reply: Reply = await exchange.future
        return reply


async def _whole(answer: Awaitable[Response]) -> Response:
    """An answer with all of its body."""
    response = await answer
    if response.stream is None:
        return response
    parts = _Parts()
    await response.stream(parts)
    return replace(response, body=b"".join(parts.sent), stream=None)


@dataclass
class _Parts:
    """Who takes a streamed body, and does not hang up."""

    sent: list[bytes] = field(default_factory=list)

    async def send(self, part: bytes) -> bool:
        self.sent.append(part)
        return True


class _Exchange:
    """One call to the sidecar: left, applied, answered; each may go wrong."""

    def __init__(self, app: App, call: Call) -> None:
        self.app = app
        self.call = call
        self.world = app.world
        self.epoch = app.epoch
        self.future: asyncio.Future[Reply] = self.world.loop.create_future()
        self.serving = serving.get()
        if self.serving and self.serving.order is None:
            found = _UUID.search(call.target)
            self.serving.order = found[0] if found else None
        self.world.on_call(app, call)
        # A millisecond more or less is what lets calls overtake each other.
        delay = 1 + self.world.tape.draw(3)
        if self.world.injects("call is late"):
            delay += self.world.lateness()
        self.world.after(delay, self._apply)
        self.world.after(int(call.timeout * 1000), self._time_out)

    def _apply(self) -> None:
        world = self.world
        self._app_may_die("before")
        if self.epoch != self.app.epoch and not self._lands():
            return
        if world.injects("call is lost"):
            return
        world.note(self.app.name, f"{self.call.method} {self.call.target} is applied")
        self.app.sidecar.handle(self.call, self._applied)
        if world.injects("call is repeated"):
            self.app.sidecar.handle(self.call, lambda _: None)

    def _lands(self) -> bool:
        self.world.lands_asked += 1
        return self.world.tape.draw(2) == 1 if self.app.lands is None else self.app.lands

    def _applied(self, reply: Reply | None) -> None:
        self._app_may_die("after")
        if self.world.injects("answer is lost"):
            return
        if reply is not None and reply.body and self.world.injects("answer is cut short"):
            length = len(reply.body)
            keep = (0, 1, length // 2, length - 1)[self.world.tape.draw(4)]
            reply = replace(reply, body=reply.body[:keep])
        self.world.after(1, lambda: self._answer(reply))

    def _answer(self, reply: Reply | None) -> None:
        if self.epoch != self.app.epoch or self.future.done():
            return
        if reply is None:
            self.future.set_exception(NoAnswer("refused"))
        else:
            self.world.note(self.app.name, f"{self.call.method} {self.call.target}: {reply.status}")
            self.future.set_result(reply)

    def _time_out(self) -> None:
        if self.epoch == self.app.epoch and not self.future.done():
            self.world.note(self.app.name, f"{self.call.method} {self.call.target}: no answer")
            self.future.set_exception(NoAnswer("time-out"))

    def _app_may_die(self, when: str) -> None:
        """A point at which the API can die: around each call that it makes."""
        world = self.world
        if self.epoch != self.app.epoch:
            return
        world.steps += 1
        may_die = bool(world.rates.get("app dies at a call"))
        if not may_die and world.steps not in world.crash_plan:
            return
        what = self.serving.what if self.serving else "?"
        place = f"{self.app.name} {what}: {when} {_kind(self.call)}"
        point = place, world.order_state(self.serving.order if self.serving else None)
        world.visited[point] += may_die
        planned = world.crash_plan.get(world.steps)
        if planned is not None:
            self.app.crash(lands=planned)
        elif world.injects("app dies at a call"):
            downtime = (2_000, 50, 300, 12_000)[world.tape.draw(4)]
            if world.healed_at is not None:
                downtime = max(1, min(downtime, world.healed_at - world.now))
            self.app.crash(downtime)
        else:
            return
        world.crash_points[point] += 1


def _kind(call: Call) -> str:
    """What a call is, without ids: for the table of crash points."""
    _, kind, *rest = call.target.partition("?")[0].removeprefix("/").split("/")
    if kind == "invoke":
        return "read menu" if rest[0] == "product-api" else "read clock"
    if kind == "publish":
        return f"publish {rest[-1]}" if rest[0] != "bulk" else f"publish many {rest[-1]}"
    if call.method == "GET":
        return f"read {_key(rest[1])}"
    if len(rest) > 1:
        return "read many"
    key = call.body[:60].partition(b'"key":"')[2].partition(b'"')[0].decode()
    # The version stands between the value and the options.
    change = b'"etag":' in call.body[-70:]
    return f"{'change' if change else 'create'} {_key(key)}"


def _key(key: str) -> str:
    if key in ("unavailable", "watch", "board"):
        return key
    if key.startswith(("report-", "cancel-")):
        return key.partition("-")[0]
    if key.startswith(("all-", "customer-", "tickets-")):
        return f"index {key.partition('-')[0]}"
    return "record"


def _say_nothing(answer: Answer) -> Callable[[], None]:
    return lambda: answer(None)
