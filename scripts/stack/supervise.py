"""Running the stack under supervisord, which starts its processes again when they die.

`make up`, `make run` and the tests all use `Stack`.
"""

import os
import signal
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
import valkey

from scripts.base.console import Failure, say
from scripts.provision import programs, zipkin
from scripts.provision.programs import Tools
from scripts.stack import listening, orphans, plan, ports, resources, rpc, runtime, supervisord
from scripts.stack.listening import LOOPBACK, Address
from scripts.stack.plan import Layout, Ports, prepare, processes
from scripts.stack.runtime import APIS, Process

READY_SECONDS = 60
SPIN_READY_SECONDS = 240
"""Spin compiles the four components at its first start."""


class Stack:
    """One stack: its home folder and the offset of its ports name it.

    As a context it stops at the end what it launched, and nothing that was up before.
    """

    def __init__(
        self,
        home: Path,
        port_offset: int = 0,
        overrides: Mapping[str, Mapping[str, str]] | None = None,
        *,
        runs_on: str | None = None,
        tracing: bool = False,
        collector: bool = False,
        address: Address = LOOPBACK,
    ) -> None:
        """`overrides`: by API, the settings that shall differ from the usual ones. `runs_on`: what
        runs the APIs, by default what `runtime.chosen` says. `tracing`: the sidecars send their
        spans to Zipkin's port; `collector`: Zipkin runs there. `address` is the shop's."""
        self.layout = Layout(home.resolve())
        self.ports = Ports(port_offset, runs_on or runtime.chosen(), address)
        self._overrides = overrides or {}
        self._tracing = tracing or collector
        self._collector = collector
        self.secrets: dict[str, str] = {}
        self._socket = supervisord.socket(self.layout)
        self._launched = False

    @classmethod
    def default(cls) -> Self:
        """The checkout's own, or where the environment says. Raises `Failure`."""
        offset = listening.port_offset(plan.HIGHEST_PORT)
        return cls(
            listening.home(), offset, collector=zipkin.is_wanted(), address=listening.listen()
        )

    @property
    def traces_url(self) -> str | None:
        """Zipkin's page, if this stack has it."""
        return f"http://127.0.0.1:{self.ports.zipkin}/zipkin/" if self._collector else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._launched:
            self.down()

    # Starting and stopping everything

    def up(self) -> None:
        """Start, and return when an order could be taken. Raises `Failure`."""
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.down()
            raise

    def launch(self) -> None:
        """Provision, build and start, without waiting. Raises `Failure`."""
        if self.is_up():
            raise Failure("The stack is up already: `make down` stops it.")
        if left := orphans.find(self.layout):
            names = ", ".join(each.name for each in left)
            raise Failure(f"{names} run on without supervisord: `make down` stops them.")
        self.secrets = self.prepare()
        settings = plan.settings(self.ports, self.secrets, self._overrides)
        plan.check(settings, self.ports.address)
        tools = programs.tools()
        needed = self.processes(tools)
        if self._collector:
            needed.append(plan.zipkin(self.layout, self.ports))
        ports.check(needed)
        for line in (*listening.unknown(), *ports.collisions(needed, self.ports.offset)):
            say(line)
        supervisord.start(self.layout, needed)
        self._launched = True

    def prepare(self) -> dict[str, str]:
        """Write what the processes read; the secrets."""
        return prepare(self.layout, self.ports, tracing=self._tracing)

    def processes(self, tools: Tools) -> list[Process]:
        """What it runs."""
        return processes(tools, self.layout, self.ports, self.secrets, self._overrides)

    def down(self) -> None:
        """Stop everything that this stack started, in order, and what supervisord left behind. Data
        stays. Raises `Failure`."""
        if self.is_up():
            pid = self._rpc().getPID()
            self._rpc().shutdown()
            _until(lambda: not psutil.pid_exists(pid), 40, "supervisord does not end")
        orphans.stop(self.layout)
        self._socket.unlink(missing_ok=True)

    def is_up(self) -> bool:
        """Whether supervisord answers: one that is stopped (SIGSTOP) does not."""
        try:
            return bool(self._rpc().getPID())
        except (OSError, xmlrpc.client.Error):
            return False

    def wait_until_ready(self) -> None:
        """Until an order could be taken. Raises `Failure` naming what is not ready."""
        say("Waiting for the stack to be ready …")
        seconds = SPIN_READY_SECONDS if self.ports.runtime == "spin" else READY_SECONDS
        deadline = time.monotonic() + seconds
        for name, is_ready in chain(self._conditions(), self._running()):
            while not is_ready():
                if time.monotonic() > deadline:
                    log = self.layout.log(name)
                    raise Failure(f"{name} is not ready after {seconds} s: see {log}")
                time.sleep(0.05)

    def _conditions(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        ports = self.ports
        if self._collector:
            yield "zipkin", _ok(f"http://127.0.0.1:{ports.zipkin}/health")
        yield "valkey", self._valkey_answers
        if ports.runtime == "dapr":
            return
        token = {"dapr-api-token": self.secrets["sidecar_token"]}
        if ports.runtime == "none":
            for api in APIS:
                outbound = f"http://127.0.0.1:{ports.sidecar(api)}/v1.0/healthz/outbound"
                yield f"{api}-sidecar", _ok(outbound, token)
            return
        for api in APIS:
            yield (
                runtime.process_name(ports.runtime, api),
                _ok(f"{ports.url(api)}/healthz/{api}"),
            )
            yield (
                f"{api}-sidecar",
                _ok(f"http://127.0.0.1:{ports.sidecar(api)}/v1.0/healthz", token),
            )
        sidecar = f"http://127.0.0.1:{ports.sidecar('counter')}"
        menu = f"{sidecar}/v1.0/invoke/product-api/method/v1-get-item-types"
        yield "counter-sidecar", _ok(menu, token)
        for app, topics in Counter(each.app for each in resources.subscriptions()).items():
            api = app.removesuffix("-api")
            yield f"{api}-sidecar", self._subscribed(api, topics, token)

    def _running(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """supervisord calls a process running after a second: a fast machine has served an order
        by then, and `make status` would call the stack unwell."""
        for state in self.states():
            yield state["name"], self._is_running(f"{state['group']}:{state['name']}")

    def _is_running(self, full_name: str) -> Callable[[], bool]:
        return lambda: bool(self._rpc().getProcessInfo(full_name)["statename"] == "RUNNING")

    def _valkey_answers(self) -> bool:
        password = self.secrets["valkey_password"]
        try:
            return bool(valkey.Valkey(port=self.ports.valkey, password=password).ping())
        except valkey.ValkeyError:
            return False

    def _subscribed(self, api: str, topics: int, token: dict[str, str]) -> Callable[[], bool]:
        url = f"http://127.0.0.1:{self.ports.sidecar(api)}/v1.0/metadata"

        def asked() -> bool:
            try:
                found = httpx.get(url, headers=token, trust_env=False).json()
                return len(found.get("subscriptions", [])) == topics
            except (httpx.TransportError, ValueError):
                return False

        return asked

    # One process

    def stop(self, name: str) -> None:
        """Stop one process, which then stays down."""
        self._rpc().stopProcess(self._full(name))

    def start(self, name: str) -> None:
        self._rpc().startProcess(self._full(name), False)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal, by default one that no process survives; supervisord starts it again."""
        if pid := self.pid(name):
            os.killpg(pid, number)

    def crash(self, names: Iterable[str], downtime: float) -> None:
        """Kill processes at once, and have them started again after `downtime` seconds."""
        supervisor = self._rpc().getPID()
        pids = [pid for name in names if (pid := self.pid(name))]
        os.kill(supervisor, signal.SIGSTOP)
        try:
            for pid in pids:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(downtime)
        finally:
            os.kill(supervisor, signal.SIGCONT)

    def pid(self, name: str) -> int:
        """The process's number, which is its group's too; 0 if it is not running. To kill 0 would
        mean ourselves."""
        return int(self._rpc().getProcessInfo(self._full(name))["pid"])

    def states(self) -> list[dict[str, Any]]:
        """Name, state and description of each process, as supervisord has them."""
        found: list[dict[str, Any]] = self._rpc().getAllProcessInfo()
        return found

    def _full(self, name: str) -> str:
        """supervisord's name of a process has its group before it. On Spin the four APIs are one
        process: who means one of them means all."""
        kinds = {
            "api": "components",
            "sidecar": "sidecars",
            "valkey": "store",
            "zipkin": "traces",
        }
        api, _, kind = name.rpartition("-")
        if kind == "api":
            name = runtime.process_name(self.ports.runtime, api)
        return f"{kinds[kind]}:{name}"

    def logs(self) -> list[Path]:
        return sorted(self.layout.logs.glob("*.log"))

    @property
    def events(self) -> Path:
        """supervisord's log: each death and each start, by name."""
        return self.layout.log("stack")

    def _rpc(self) -> Any:
        return rpc.supervisor(self._socket)


def _ok(url: str, headers: dict[str, str] | None = None) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            return httpx.get(url, headers=headers, timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False

    return asked


def _until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(what)
        time.sleep(0.05)
