"""The stacks that are compared, and single processes beside them."""

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
import yaml

from scripts.base.console import Failure
from scripts.stack import plan, runtime
from scripts.stack.runtime import Process
from scripts.stack.supervise import Stack

OFFSET = int(os.environ.get("COFFEESHOP_TEST_PORT_OFFSET") or 22_000)
"""Of the first stack. Single processes have ports between the stacks', 5,700 and more above it."""
APART = 510
"""From one stack to the next: so far apart, no port of one is another's."""
DUE = 10.5
"""Seconds after which a sweep would look at an order. It looks at many at once: one that comes
later, during the next measurement, is some 2 % of it."""
SETTLED = 22.0
"""Seconds after which a sweep has looked at every order, so that none causes anything any more."""
IDLE_SECONDS = 20.0
"""Whole periods of the sweep, which comes every 10 s."""
PATIENCE = 120
UNUSED = dict.fromkeys(("sidecar_token", "app_token", "id_secret"), "never-used")
"""Settings of an API that is asked nothing that needs them; it does not start without."""
T = TypeVar("T")
RUNTIMES = {
    "ours": "wasmtime",
    "peer": "tests.bench.native",
    "workflow": "tests.bench.workflow",
    "spin": "spin",
}


class Bench(Stack):
    """A stack without the shop's limit on orders a second: what it could take is measured."""

    def prepare(self) -> dict[str, str]:
        secrets = super().prepare()
        lift_limit(self.layout.run / "dapr")
        return secrets

    def url(self, api: str) -> str:
        return f"http://127.0.0.1:{self.ports.app(api)}"


def lift_limit(resources: Path) -> None:
    """Lift the shop's limit on orders a second, in a folder of Dapr resources."""
    path = resources / "menu-limit.yaml"
    limit = yaml.safe_load(path.read_text())
    limit["spec"]["metadata"] = [{"name": "maxRequestsPerSecond", "value": "1000000"}]
    path.write_text(yaml.safe_dump(limit))


def stacks(home: Path, variants: Iterable[str]) -> list[Bench]:
    return [
        Bench(home / variant, OFFSET + APART * number, runs_on=RUNTIMES[variant])
        for number, variant in enumerate(variants)
    ]


@contextlib.contextmanager
def running(*wanted: Bench) -> Iterator[None]:
    """All of them up, started side by side."""
    with contextlib.ExitStack() as started:
        for each in wanted:
            started.enter_context(each)
            each.launch()
        for each in wanted:
            each.wait_until_ready()
        yield


def processor_seconds(of: Stack) -> dict[str, float]:
    """What each process of the stack has used so far, with its children."""
    return {each["name"]: _used(each["pid"]) for each in of.states() if each["pid"]}


def _used(pid: int) -> float:
    times = [each.cpu_times() for each in _tree(pid)]
    return float(sum(t.user + t.system for t in times))


class Used:
    """What each process of a stack uses from now on."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._before, self._begin = processor_seconds(stack), time.monotonic()

    def beyond(self, idle: Mapping[str, float]) -> dict[str, float]:
        """Seconds so far, without what it uses a second when idle."""
        elapsed = time.monotonic() - self._begin
        return {
            name: max(0.0, used - self._before.get(name, 0) - idle.get(name, 0) * elapsed)
            for name, used in processor_seconds(self._stack).items()
        }


def idle(of: Mapping[str, Stack]) -> dict[str, dict[str, float]]:
    """What each process of each stack uses a second when nobody orders anything."""
    used = {variant: Used(stack) for variant, stack in of.items()}
    time.sleep(IDLE_SECONDS)
    return {
        variant: {name: seconds / IDLE_SECONDS for name, seconds in each.beyond({}).items()}
        for variant, each in used.items()
    }


def settle(*of: Stack, seconds: float = SETTLED) -> None:
    """Wait so long, and then until nothing is left to do. Raises `Failure`."""
    time.sleep(seconds)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        before = sum(sum(processor_seconds(each).values()) for each in of)
        time.sleep(0.5)
        after = sum(sum(processor_seconds(each).values()) for each in of)
        if after - before < 0.06 * len(of):
            return
    raise Failure("A stack does not come to rest after a measurement.")


def alternating(variants: Iterable[T], number: int) -> list[T]:
    """The sides, in turn: the first of one round is the last of the next."""
    return list(variants)[:: -1 if number % 2 else 1]


@dataclass(frozen=True)
class Memory:
    """MB of a process: resident, and anonymous, which no other process can share."""

    resident: float
    anonymous: float


def memory(pid: int) -> Memory:
    """Of a process with its children."""
    found = [_memory(each.pid) for each in _tree(pid)]
    return Memory(sum(each.resident for each in found), sum(each.anonymous for each in found))


def _memory(pid: int) -> Memory:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {
        line.split(":")[0]: int(line.split()[1]) / 1000 * 1.024 for line in text.splitlines()[1:]
    }
    return Memory(found["Rss"], found["Anonymous"])


def _tree(pid: int) -> list[psutil.Process]:
    """A process with its children: `spin up` serves from one of its own."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


class Single:
    """One process beside the stacks, up from entering to leaving."""

    def __init__(self, process: Process, health: str) -> None:
        self._process = process
        self._health = health
        self.port = process.ports[0]
        self.seconds = 0.0
        """From the start to the first answer."""

    def __enter__(self) -> "Single":
        begin = time.perf_counter()
        self._running = subprocess.Popen(
            list(map(str, self._process.command)),
            env={**os.environ, **self._process.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not _answers(self.port, self._health):
            if self._running.poll() is not None or time.perf_counter() - begin > 120:
                self.__exit__()
                raise Failure(f"{self._process.name} does not start.")
            time.sleep(0.001)
        self.seconds = time.perf_counter() - begin
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):  # it did not start
            for process in _tree(self.pid):
                process.kill()
        self._running.wait()
        while _is_open(self.port):
            time.sleep(0.001)

    @property
    def pid(self) -> int:
        return self._running.pid

    def used(self) -> float:
        """Processor seconds so far."""
        return _used(self.pid)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 300
    except OSError:
        return False
    finally:
        connection.close()


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def api(
    name: str,
    variant: str,
    port: int,
    beside: Stack | None = None,
    *,
    sidecar_port: int | None = None,
) -> Single:
    """One more process of an API; `beside`: it uses that stack's sidecar of this API, which does
    not know of it: it gets no events and no sweeps. `sidecar_port` is used instead of its own."""
    given = dict(UNUSED)
    if beside is not None:
        given = plan.settings(beside.ports, beside.secrets, {})[name]
    if sidecar_port is not None:
        given["sidecar_port"] = str(sidecar_port)
    (process,) = runtime.separate(RUNTIMES[variant], {name: port}, {name: given})
    return Single(process, f"/healthz/{name}")


def component(path: Path, port: int, health: str, env: Mapping[str, str]) -> Single:
    """A component that was compiled ahead of time, served as the APIs are."""
    return Single(runtime.serve(path.stem, path, port, env), health)
