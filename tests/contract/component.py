"""One component, served by the host as the stack does it, and nothing behind it."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from scripts.build import wasm
from scripts.stack import resources, runtime
from scripts.stack.runtime import Process

GIVEN = {"sidecar_token": 's "%', "app_token": "a'b;c #d", "id_secret": "i"}


def settings(api: str, **changes: str) -> dict[str, str]:
    """What the stack gives the API, but for the changes."""
    return runtime.settings(api, 3500, GIVEN) | changes


def serve(api: str, port: int, given: Mapping[str, str]) -> Process:
    program = resources.program(api)
    component = wasm.build("aot", [program])[program]
    return runtime.serve(f"{api}-api", component, port, runtime.environment(given))


@contextlib.contextmanager
def served(process: Process, folder: Path) -> Iterator[Path]:
    """The process from its start to its end; gives its log."""
    log = folder / "log"
    with log.open("w") as output:
        running = subprocess.Popen(
            list(map(str, process.command)), env=dict(process.env), stdout=output, stderr=output
        )
        try:
            yield log
        finally:
            running.terminate()
            running.wait(20)


def health(port: int, api: str) -> httpx.Response:
    """What it answers once the runtime has started."""
    deadline = time.monotonic() + 240
    while True:
        with contextlib.suppress(httpx.ConnectError):
            return httpx.get(f"http://127.0.0.1:{port}/healthz/{api}", timeout=60)
        assert time.monotonic() < deadline, "the runtime does not start"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
