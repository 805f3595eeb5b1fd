"""nginx and Caddy in front, each with its defaults, and the cluster's entry: the page, the board
and orders work, and who holds a body back holds nobody else."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from driver import PORT_OFFSET, Driver, order
from scripts.build.entry import CADDYFILE
from scripts.stack.plan import Ports
from scripts.stack.runtime import APIS
from tests.cluster import binaries

MISSING = "the test of nginx in front needs it: apt-get install nginx-light"
NGINX = """
daemon off;
pid {home}/pid;
error_log {home}/error.log;
events {{}}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{counter}; }}
    }}
}}
"""
"""Its defaults for everything that a proxy does; only its files are in a folder of the test's."""
SOON = 3.0
"""Seconds within which a board shows a new order."""


AT_ONCE = 0.5
"""Seconds of an answer that waits for no other request: a body is waited for a second."""
BEGUN = 8_192
"""Bytes of a body that has begun: more than Caddy gathers before it sends on what it does not
buffer."""
HELD = 40
"""Posts whose body never comes: more than an API answers at a time."""


@contextmanager
def nginx(home: Path, port: int, ports: Ports) -> Iterator[None]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    config = home / "nginx.conf"
    config.write_text(NGINX.format(home=home, port=port, counter=ports.app("counter")))
    with _running([program, "-e", str(home / "error.log"), "-c", str(config)], home, port):
        yield


@contextmanager
def caddy(home: Path, port: int, ports: Ports) -> Iterator[None]:
    command = [
        *(str(binaries.caddy()), "reverse-proxy"),
        *("--from", f"http://127.0.0.1:{port}", "--to", f"127.0.0.1:{ports.app('counter')}"),
    ]
    with _running(command, home, port):
        yield


@contextmanager
def entry(home: Path, port: int, ports: Ports) -> Iterator[None]:
    """The cluster's own, as its image runs it; but the APIs are at this machine's ports."""
    text = CADDYFILE.read_text().replace("{args[0]}:80", "{args[0]}")
    text = text.replace(":8081 {", f"http://127.0.0.1:{port + 1} {{")
    text = text.replace(":8080 {", f"http://127.0.0.1:{port} {{")
    for api in APIS:
        text = text.replace(f"import api {api}-api", f"import api 127.0.0.1:{ports.app(api)}")
    config = home / "Caddyfile"
    config.write_text(text)
    command = [str(binaries.caddy()), "run", "--config", str(config), "--adapter", "caddyfile"]
    with _running(command, home, port):
        yield


@contextmanager
def _running(command: list[str], home: Path, port: int) -> Iterator[None]:
    env = {**os.environ, "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while not _listens(port):
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=[nginx, caddy, entry], ids=["nginx", "caddy", "entry"])
def front(request: Any, shop: Driver, tmp_path: Path) -> Iterator[httpx.Client]:
    """The shop as it is seen through a proxy."""
    ports = Ports(PORT_OFFSET)
    port = 3907 + PORT_OFFSET
    address = f"http://127.0.0.1:{port}"
    with (
        request.param(tmp_path, port, ports),
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        yield client


def test_the_page_comes_whole(front: httpx.Client, shop: Driver) -> None:
    for path in ("/", "/page.js", "/v1/api/menu", "/openapi/counter.json"):
        assert front.get(path).raise_for_status().content == shop.counter.get(path).content


def test_an_order_is_taken_and_followed_to_its_end(front: httpx.Client) -> None:
    placed = front.post("/v1/api/orders", json=order("ann")).raise_for_status().json()
    with front.stream("GET", f"/v1/api/orders/{placed['id']}/events") as answer:
        assert list(_versions(answer))[-1]["status"] == "FULFILLED"
    waited = front.get(f"/v1/api/orders/{placed['id']}", params={"wait": 30})
    assert waited.json()["status"] == "FULFILLED"


def test_a_board_shows_an_order_as_it_comes(front: httpx.Client) -> None:
    with front.stream("GET", "/v1/api/fulfillment-orders/events?limit=5") as answer:
        versions = _versions(answer)
        begin = time.monotonic()
        next(versions)
        placed = front.post("/v1/api/orders", json=order("ann")).json()
        assert any(placed["id"] in [o["id"] for o in page["orders"]] for page in versions)
        assert time.monotonic() - begin < SOON


@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
def test_bodies_that_never_come_hold_nobody_else(front: httpx.Client, framing: str) -> None:
    """Some are held by the proxy until all is there; some reach the API, which waits a second."""
    port = int(front.base_url.port or 0)
    address = ("127.0.0.1", port)
    head = _head(port, framing)
    with ExitStack() as held:
        for _ in range(HELD):
            connection = held.enter_context(socket.create_connection(address, timeout=10))
            connection.sendall(head.encode())
        begin = time.monotonic()
        placed = front.post("/v1/api/orders", json=order("ann"))
        assert placed.status_code == 201, placed.text
        assert front.get(f"/v1/api/orders/{placed.json()['id']}").status_code == 200
        assert time.monotonic() - begin < SOON


@pytest.mark.parametrize("framing", ["content-length: 20000", "transfer-encoding: chunked"])
def test_the_entry_hands_on_no_body_before_all_of_it_is_there(
    shop: Driver, tmp_path: Path, framing: str
) -> None:
    """Bodies that begin and stop: none of them waits at the API, whose own answers are at once."""
    port = 3907 + PORT_OFFSET
    begun = "x" * BEGUN if framing.startswith("content") else f"{BEGUN:x}\r\n{'x' * BEGUN}\r\n"
    with entry(tmp_path, port, Ports(PORT_OFFSET)), ExitStack() as held:
        for _ in range(HELD):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            held.enter_context(connection).sendall(f"{_head(port, framing)}{begun}".encode())
        for _ in range(10):
            begin = time.monotonic()
            assert shop.counter.get("/healthz/counter").status_code == 204
            assert time.monotonic() - begin < AT_ONCE
            time.sleep(0.1)


def _head(port: int, framing: str) -> str:
    """Of a post. It names the host by which Caddy knows the shop, or Caddy itself answers it."""
    return (
        f"POST /v1/api/orders HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"content-type: application/json\r\n{framing}\r\n\r\n"
    )


def _versions(answer: httpx.Response) -> Iterator[Any]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
