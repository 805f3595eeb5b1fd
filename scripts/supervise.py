"""Running the stack under supervisord, which starts its processes again when they die.

`make up`, `make run` and the tests all use `Stack`.
"""

import configparser
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
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
from supervisor.xmlrpc import SupervisorTransport

from scripts import provision, resources, runtime, stack, zipkin
from scripts.cache import CHECKOUT, Failure, say
from scripts.provision import Tools
from scripts.runtime import APIS, Process
from scripts.stack import GROUPS, Layout, Ports, prepare, processes

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
    ) -> None:
        """`overrides`: by API, the settings that shall differ from the usual ones. `runs_on`: what
        runs the APIs, by default what `runtime.chosen` says. `tracing`: the sidecars send their
        spans to Zipkin's port; `collector`: Zipkin runs there."""
        self.layout = Layout(home.resolve())
        self.ports = Ports(port_offset, runs_on or runtime.chosen())
        self._overrides = overrides or {}
        self._tracing = tracing or collector
        self._collector = collector
        self.secrets: dict[str, str] = {}
        self._socket = _socket(self.layout)
        self._launched = False

    @classmethod
    def default(cls) -> Self:
        """The checkout's own, or where `$COFFEESHOP_HOME` and `$COFFEESHOP_PORT_OFFSET` say."""
        home = Path(os.environ.get("COFFEESHOP_HOME") or CHECKOUT / ".coffeeshop")
        offset = int(os.environ.get("COFFEESHOP_PORT_OFFSET") or 0)
        return cls(home, offset, collector=zipkin.is_wanted())

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
        tools = provision.tools()
        self.secrets = self.prepare()
        needed = self.processes(tools)
        if self._collector:
            needed.append(stack.zipkin(self.layout, self.ports))
        _check_ports(needed)
        config = self._write_config(needed)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        # A session of its own: Ctrl-C at the terminal reaches only us, who then stop all in order.
        started = subprocess.run(
            command, capture_output=True, text=True, start_new_session=True, check=False
        )
        if started.returncode:
            raise Failure(f"supervisord did not start: {started.stderr.strip()}")
        self._launched = True

    def prepare(self) -> dict[str, str]:
        """Write what the processes read; the secrets."""
        return prepare(self.layout, self.ports, tracing=self._tracing)

    def processes(self, tools: Tools) -> list[Process]:
        """What it runs."""
        return processes(tools, self.layout, self.ports, self.secrets, self._overrides)

    def down(self) -> None:
        """Stop everything that this stack started, in order; data stays."""
        if not self.is_up():
            return
        pid = self._rpc().getPID()
        self._rpc().shutdown()
        _until(lambda: not psutil.pid_exists(pid), 40, "supervisord does not end")
        self._socket.unlink(missing_ok=True)

    def is_up(self) -> bool:
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
                _ok(f"http://127.0.0.1:{ports.app(api)}/healthz/{api}"),
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
                return len(httpx.get(url, headers=token).json().get("subscriptions", [])) == topics
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
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor

    def _write_config(self, needed: list[Process]) -> Path:
        run = self.layout.run
        config = configparser.RawConfigParser()
        config["unix_http_server"] = {"file": str(self._socket), "chmod": "0700"}
        config["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        config["supervisord"] = {
            "logfile": str(self.events),
            "pidfile": str(run / "supervisor.pid"),
            "childlogdir": str(self.layout.logs),
            "minfds": "1024",
        }
        for process in needed:
            config[f"program:{process.name}"] = {
                "command": " ".join(f'"{part}"' for part in process.command),
                "environment": ",".join(f'{k}="{v}"' for k, v in process.env.items()),
                "autorestart": "true",
                "startsecs": "1",
                "startretries": "20",
                "stopsignal": process.stop,
                "stopwaitsecs": "3",
                # `spin up` serves from a process of its own, which would outlive it.
                "stopasgroup": "true",
                "killasgroup": "true",
                "redirect_stderr": "true",
                "stdout_logfile": str(self.layout.log(process.name)),
                "stdout_logfile_maxbytes": "50MB",
                "stdout_logfile_backups": "2",
            }
        # A group stops as one, and supervisord waits for it before it goes to the next.
        for priority, group in enumerate(GROUPS):
            names = [process.name for process in needed if process.group == group]
            if not names:
                continue
            config[f"group:{group}"] = {"programs": ",".join(names), "priority": str(priority)}
        path = run / "supervisor.conf"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            config.write(file)
        return path


def _socket(layout: Layout) -> Path:
    """Where supervisord listens: beside its files, unless a socket's path may not be that long
    (108 bytes on Linux, and supervisord adds its number to it)."""
    path = layout.run / "supervisor.sock"
    if len(os.fsencode(path)) < 90:
        return path
    name = hashlib.sha256(os.fsencode(layout.home)).hexdigest()[:16]
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(folder) / f"coffeeshop-{name}.sock"


def _check_ports(needed: list[Process]) -> None:
    """Raises `Failure` naming a port that is taken, and by whom if that can be known."""
    for process in needed:
        for port in process.ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    advice = "stop that or set COFFEESHOP_PORT_OFFSET=1000 to use other ports."
                    raise Failure(
                        f"{process.name} needs port {port}, which {_holder(port)} uses: {advice}"
                    ) from None


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another program"


def _ok(url: str, headers: dict[str, str] | None = None) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            return httpx.get(url, headers=headers, timeout=2).is_success
        except httpx.TransportError:
            return False

    return asked


def _until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(what)
        time.sleep(0.05)
