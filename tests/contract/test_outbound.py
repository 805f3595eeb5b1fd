"""A guest has no way out but HTTP: the runtime gives it no sockets.

Where its HTTP may go is the host's to say: on Spin `allowed_outbound_hosts` names the component's
own sidecar alone (tests/unit/test_spin_manifest.py); `wasmtime serve` has no such list.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.base.checkout import CHECKOUT
from scripts.build import wasm
from scripts.provision import programs

PROBE = CHECKOUT / "tests" / "contract" / "probe" / "app.py"


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def ask(flags: tuple[str, ...], port: int) -> str:
    """What the probe tells of the port, under these flags of `wasmtime serve`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = int(free.getsockname()[1])
    command: list[str | Path] = [programs.wasmtime(), "serve", "--allow-precompiled", *flags]
    command += ["--addr", f"127.0.0.1:{own}", wasm.single(PROBE)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    return httpx.get(f"http://127.0.0.1:{own}/{port}", timeout=30).text
                except httpx.ConnectError:
                    assert time.monotonic() < deadline, "the probe does not start"
                    time.sleep(0.2)
        finally:
            server.kill()


def test_a_guest_has_no_sockets(open_port: int) -> None:
    assert ask(wasm.SERVE_FLAGS, open_port).startswith("refused")


def test_the_probe_would_get_out_if_it_could(open_port: int) -> None:
    """So that the test above is not passed by a probe that cannot connect at all."""
    assert ask((*wasm.SERVE_FLAGS, "-S", "inherit-network"), open_port) == "connecting"
