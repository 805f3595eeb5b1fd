"""The menu's questions, also as the first client of this API sends them."""

import asyncio
import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from coffeeshop.environment import Environment
from coffeeshop.http import Request, Response
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, Reply
from product.api import API

ITEMS = "/v1-get-items-by-types"
JSON = {"content-type": "application/json"}


class NoSidecar:
    async def send(self, call: Call) -> Reply:
        raise AssertionError(call)


def ask(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Response:
    async def read(limit: int) -> bytes:
        return body

    async def sleep(_seconds: float) -> None:
        raise AssertionError

    async def call() -> Response:
        return await router(Request(method, target, (headers or {}).get, read))

    env = Environment(Settings(), NoSidecar(), lambda: datetime.now(UTC), os.urandom, sleep)
    router = API.build(env)
    return asyncio.run(call())


def types(answer: Response) -> list[int]:
    assert answer.status == 200, answer.body
    return [item["itemType"] for item in json.loads(answer.body)]


def test_the_root_says_what_this_is_and_where_its_description_lies() -> None:
    """The first client asks for it with a content type and nothing behind it."""
    told = ask("GET", "/", JSON)
    assert told.status == 200
    assert ask("GET", json.loads(told.body)["description"]).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_types_may_be_in_a_body(method: str) -> None:
    body = b'{\n    "types": "1,2,3"\n}'
    assert types(ask(method, ITEMS, JSON, body)) == [1, 2, 3]


def test_types_in_the_query_come_before_a_body() -> None:
    assert types(ask("GET", f"{ITEMS}?types=7", JSON, b'{"types":"1"}')) == [7]


@pytest.mark.parametrize(
    ("target", "headers", "body", "status"),
    [
        (ITEMS, {}, b"", 422),
        (ITEMS, JSON, b"", 400),
        (ITEMS, JSON, b'{"types":"1","x":1}', 422),
        (ITEMS, {"content-type": "text/plain"}, b"1,2", 415),
        (f"{ITEMS}?types=", JSON, b'{"types":"1"}', 422),
        (f"{ITEMS}?types=1,x", {}, b"", 422),
    ],
)
def test_a_get_that_asks_for_nothing_is_refused(
    target: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    refused: Any = ask("GET", target, headers, body)
    assert refused.status == status
