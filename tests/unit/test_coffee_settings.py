"""What `coffee` is told of the shop by its environment: named when it cannot be, and believed when
it can."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

import pytest

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("COFFEESHOP_") and not name.lower().endswith("_proxy")
}
MENU = b'{"items":[]}'


def coffee(*arguments: str | bytes, **env: str) -> subprocess.CompletedProcess[str]:
    return written_to(subprocess.PIPE, *arguments, **env)


def written_to(
    output: IO[str] | int, *arguments: str | bytes, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coffee", *arguments],
        env={**CLEAN, "PYTHONPATH": os.pathsep.join(sys.path), **env},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COFFEESHOP_URL", "localhost:5002"),
        ("COFFEESHOP_URL", "http://[::1"),
        ("COFFEESHOP_URL", "ftp://somebody:never-to-be-seen@example.org"),
        ("COFFEESHOP_URL", "http://"),
        ("COFFEESHOP_URL", "http://127.0.0.1:99999"),
        ("COFFEESHOP_URL", "http://127.0.0.1:5002?types=1"),
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
    answer = MENU

    def do_GET(self) -> None:
        self.seen.append(self.headers["authorization"])
        self.send_response(200)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

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


@pytest.mark.parametrize("answer", [b"<html>", b"", b"[]", b"{}", b'{"items":1,"orders":{}}'])
@pytest.mark.parametrize(
    "arguments", [("menu",), ("mine", "--as", "ann"), ("board",), ("watch", "0" * 32), ("rush",)]
)
def test_what_is_no_shop_is_said_to_be_none(
    shop: str, monkeypatch: pytest.MonkeyPatch, answer: bytes, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(_Shop, "answer", answer)
    ran = coffee(*arguments, COFFEESHOP_URL=shop)
    assert ran.returncode == 3
    assert ran.stderr == "coffee: It answered 200, and not as a shop does: is that its address?\n"


@pytest.mark.parametrize(
    "arguments",
    [("order", "LATTE", "--as", b"Jos\xe9"), ("mine", "--as", b"\xff"), ("watch", b"\xff")],
)
def test_an_argument_that_is_no_text_is_told_so(
    shop: str, arguments: tuple[str | bytes, ...]
) -> None:
    ran = coffee(*arguments, COFFEESHOP_URL=shop)
    assert ran.stderr == "coffee: an argument is no text in this terminal's encoding.\n"
    assert ran.returncode == 2


@pytest.mark.parametrize("rate", ["nan", "-nan", "NaN"])
def test_a_rate_that_is_no_number_is_refused(shop: str, rate: str) -> None:
    ran = coffee("rush", "--rate", rate, COFFEESHOP_URL=shop)
    assert "--rate" in ran.stderr
    assert ran.returncode == 2


MUFFIN = '{"name":"M\u00fcffin \u2615","price":3,"station":"kitchen","available":true}'


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_an_encoding_does_not_have_is_replaced(
    shop: str, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """An order was placed, and then `coffee` ended with the code of one that failed."""
    monkeypatch.setattr(_Shop, "answer", f'{{"items":[{MUFFIN}]}}'.encode())
    ran = coffee("menu", COFFEESHOP_URL=shop, PYTHONIOENCODING=encoding)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "ffin ?" in ran.stdout


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_has_enough_ends_it_without_a_word(shop: str, more: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = written_to(writer, "menu", *more, COFFEESHOP_URL=shop)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_output_that_cannot_be_written_has_a_code_of_its_own(
    shop: str, more: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        ran = written_to(full, "menu", *more, COFFEESHOP_URL=shop)
    assert ran.stderr == "coffee: the output cannot be written (No space left on device).\n"
    assert ran.returncode == 74
