"""Who is refused is told at once: a body that is read first is one that they can hold back."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.component import free_port, health, serve, served, settings

AT_ONCE = 0.5
"""Seconds: half of what a body may take that is waited for."""
POSTS = 40
"""More than the host answers at a time."""


@pytest.fixture(scope="module", params=["counter", "barista"])
def api(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def port(api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of an API that wants tokens."""
    port = free_port()
    folder: Path = tmp_path_factory.mktemp(api)
    tokens = {"pos_token": "till-7", "staff_token": "key-3"}
    with served(serve(api, port, settings(api, **tokens)), folder):
        assert health(port, api).status_code == 204
        yield port


def refused(port: int, line: str, framing: str, token: str = "") -> tuple[int, float]:
    """The status of a request whose body never comes, and after how many seconds."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        headers = f"host: shop\r\ncontent-type: application/json\r\n{framing}\r\n{token}"
        connection.sendall(f"{line} HTTP/1.1\r\n{headers}\r\n".encode())
        status = int(connection.recv(64)[9:12])
    return status, time.monotonic() - begin


FRAMINGS = ("content-length: 100", "transfer-encoding: chunked")
BY_API = {
    "counter": (
        ("POST /v1/api/orders", "", 401),
        ("POST /v1/api/orders", "authorization: Bearer till-8\r\n", 401),
        ("POST /v1/api/orders/x/cancel", "", 401),
        ("POST /dapr_subscribe_BaristaOrderUpdated", "", 403),
        ("POST /dapr_subscribe_BaristaOrderUpdated", "dapr-api-token: guessed\r\n", 403),
        ("POST /job/sweep", "", 403),
        ("POST /nowhere", "", 404),
        ("PATCH /v1/api/orders", "", 405),
    ),
    "barista": (
        ("POST /dapr_subscribe_BaristaOrdered", "", 403),
        ("POST /dapr_subscribe_BaristaOrderCancelled", "", 403),
        ("PUT /v1/api/barista/unavailable/1", "", 401),
        ("PUT /v1/api/barista/unavailable/1", "authorization: Bearer till-7\r\n", 401),
    ),
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_who_is_refused_is_told_before_a_body_that_never_comes(
    api: str, port: int, framing: str
) -> None:
    for line, token, expected in BY_API[api]:
        status, seconds = refused(port, line, framing, token)
        assert (status, seconds < AT_ONCE) == (expected, True), (line, token, status, seconds)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_who_is_refused_holds_no_place(api: str, port: int, framing: str) -> None:
    """Their connections stay open, with the body that they owe."""
    line, _, _ = BY_API[api][0]
    head = f"{line} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
    held = []
    try:
        for _ in range(POSTS):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            held.append(connection)
            connection.sendall(head.encode())
        begin = time.monotonic()
        assert health(port, api).status_code == 204
        assert time.monotonic() - begin < AT_ONCE
    finally:
        for connection in held:
            connection.close()
