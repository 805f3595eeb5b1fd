"""The fidelity cases' bench of real processes: Valkey and four sidecars.

Behind the sidecars stand small scripted servers instead of the components: it is the sidecar that
is looked at.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from coffeeshop.transport import NoAnswer, Reply, moment_of
from scripts.provision import programs
from scripts.stack import resources
from scripts.stack.plan import Layout, Ports, backing_services, prepare
from scripts.stack.runtime import APIS, Process
from tests.simulation.fidelity import Case, Got, Script, belongs_to, name, shorten

READY_SECONDS = 40
SUBSCRIPTIONS = Counter(each.app for each in resources.subscriptions())
"""By app id: how many there are."""


class Real:
    """As a context: everything is started at its beginning and stopped at its end."""

    def __init__(self, home: Path, port_offset: int) -> None:
        self._layout = Layout(home)
        self._ports = Ports(port_offset)
        self._scripts: dict[str, Script] = {}
        self._lock = threading.Lock()
        self._apis = {api: _Server(self, self._ports.app(api)) for api in APIS}
        self._processes: dict[str, Process] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""
        self.client = httpx.Client()

    def __enter__(self) -> Self:
        secrets = prepare(self._layout, self._ports)
        shorten(self._layout.run / "dapr")
        self._token = secrets["sidecar_token"]
        needed = backing_services(programs.tools(), self._layout, self._ports, secrets)
        self._processes = {each.name: each for each in needed}
        try:
            for server in self._apis.values():
                server.start()
            for each in self._processes:
                self._launch(each)
            self._wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in reversed(self._running.values()):
            each.terminate()
        for each in self._running.values():
            try:
                each.wait(5)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        for server in self._apis.values():
            server.stop()
        self.client.close()

    def _launch(self, name: str) -> None:
        process = self._processes[name]
        with self._layout.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(part) for part in process.command],
                env={**os.environ, **process.env},
                stdout=log,
                stderr=log,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = [*APIS]
        while waiting:
            waiting = [api for api in waiting if not self._is_ready(api)]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{waiting} not ready: see {self._layout.logs}")
            time.sleep(0.05)

    def _is_ready(self, api: str) -> bool:
        url = f"http://127.0.0.1:{self._ports.sidecar(api)}/v1.0"
        headers = {"dapr-api-token": self._token}
        try:
            if not self.client.get(f"{url}/healthz", headers=headers).is_success:
                return False
            found = self.client.get(f"{url}/metadata", headers=headers).json()
        except (httpx.TransportError, ValueError):
            return False
        return len(found.get("subscriptions", [])) == SUBSCRIPTIONS[f"{api}-api"]

    # Bench

    def script(self, case: str, script: Script) -> Script:
        with self._lock:
            self._scripts[case] = script
        return script

    async def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        api: str = "counter",
        media_type: str = "application/json",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        sent = {"content-type": media_type, **dict(headers)}
        return await asyncio.to_thread(self.send, method, target, body, api, sent)

    def send(self, method: str, target: str, body: bytes, api: str, sent: dict[str, str]) -> Reply:
        url = f"http://127.0.0.1:{self._ports.sidecar(api)}{target}"
        headers = {"dapr-api-token": self._token, **sent}
        try:
            answer = self.client.request(method, url, content=body, headers=headers, timeout=10)
        except httpx.TransportError as error:
            raise NoAnswer(repr(error)) from None
        date = moment_of(answer.headers.get("date"))
        return Reply(answer.status_code, answer.content, answer.headers.get("etag"), date)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def stop(self, what: str) -> None:
        if what.endswith("-api"):
            self._apis[what.removesuffix("-api")].stop()
            return
        process = self._running.pop(what)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async def start(self, what: str) -> None:
        if what.endswith("-api"):
            self._apis[what.removesuffix("-api")].start()
            return
        self._launch(what)
        await asyncio.to_thread(self._wait_until_ready)

    # For the servers

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Any:
        """What is done about a request; None hangs up."""
        if target.startswith("/healthz"):
            return 204, b"", ""
        if target.startswith("/dapr/"):
            return 404, b"", ""
        case, what = belongs_to(method, target, body)
        with self._lock:
            script = self._scripts.setdefault(case, Script())
            does = script.next(Got(time.monotonic(), what, body, headers))
        time.sleep(does.after)
        return None if does.hangs_up else (does.status, does.answer(body), does.date)


class _Server:
    """A scripted API's HTTP server, which can go away with all of its connections."""

    def __init__(self, bench: Real, port: int) -> None:
        self._bench = bench
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        bench, connections = self._bench, self._connections

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                connections.add(self.request)
                super().setup()

            def _answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                headers = {key.lower(): value for key, value in self.headers.items()}
                answer = bench.answer(self.command, self.path, headers, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, content, date = answer
                self.send_response_only(status)
                self.send_header("date", date or self.date_time_string())
                if status != 204:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

            def log_message(self, *_: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                return  # a connection that was cut

        self._server = Server(("127.0.0.1", self._port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()


def run(bench: Real, beside: Sequence[Case], after: Sequence[Case]) -> dict[Case, Any]:
    """What each case saw, or the exception that it ended with."""

    async def play() -> dict[Case, Any]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
        seen = await asyncio.gather(
            *(case(bench, name(case)) for case in beside), return_exceptions=True
        )
        found: dict[Case, Any] = dict(zip(beside, seen, strict=True))
        for case in after:
            (found[case],) = await asyncio.gather(case(bench, name(case)), return_exceptions=True)
        return found

    return asyncio.run(play())
