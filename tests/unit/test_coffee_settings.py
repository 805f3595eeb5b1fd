"""What `coffee` is told of the shop by its environment: named when it cannot be, and believed when
it can."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("COFFEESHOP_") and not name.lower().endswith("_proxy")
}
MENU = b'{"items":[]}'


def coffee(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coffee", *arguments],
        env={**CLEAN, "PYTHONPATH": os.pathsep.join(sys.path), **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COFFEESHOP_URL", "localhost:5002"),
        ("COFFEESHOP_URL", "http://[::1"),
        ("COFFEESHOP_URL", "ftp://somebody:never-to-be-seen@example.org"),
        ("COFFEESHOP_URL", "http://"),
        ("COFFEESHOP_PORT_OFFSET", "abc"),
        ("COFFEESHOP_PORT_OFFSET", "-5"),
        ("COFFEESHOP_PORT_OFFSET", "62000"),
        ("COFFEESHOP_POS_TOKEN", "tökén-never-to-be-seen"),
        ("COFFEESHOP_POS_TOKEN", "never-to-be-seen\n"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_it(name: str, value: str) -> None:
    ran = coffee("menu", **{name: value})
    (line,) = ran.stderr.splitlines()
    assert line.startswith("coffee: ")
    assert name in line
    assert "never-to-be-seen" not in line
    assert ran.returncode == 2


class _Shop(BaseHTTPRequestHandler):
    seen: list[str | None] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers["authorization"])
        self.send_response(200)
        self.send_header("content-length", str(len(MENU)))
        self.end_headers()
        self.wfile.write(MENU)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "nonsense"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_shop_on_this_machine_is_asked_without_a_proxy(shop: str, name: str, proxy: str) -> None:
    ran = coffee("menu", "--json", COFFEESHOP_URL=shop, **{name: proxy})
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr


def test_a_proxy_that_cannot_be_used_is_one_line() -> None:
    ran = coffee("menu", COFFEESHOP_URL="http://example.org", ALL_PROXY="socks5://127.0.0.1:1")
    (line,) = ran.stderr.splitlines()
    assert "proxy" in line
    assert ran.returncode == 2


def test_a_token_goes_into_the_header_as_it_is(shop: str) -> None:
    token = """a"b 50%off;#'\\$HOME"""
    assert coffee("menu", COFFEESHOP_URL=shop, COFFEESHOP_POS_TOKEN=token).returncode == 0
    assert _Shop.seen[-1] == f"Bearer {token}"
