"""The menu as the counter shows it: other APIs' answers, put together."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.http import Problem, Request, Response
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, NoAnswer, Reply, ServiceUnavailable
from counter.clients import TooManyRequests
from counter.menu import MenuBoard
from product.menu import MENU

WHOLE = b"[" + b",".join(item.to_json() for item in MENU) + b"]"
ONE = b"[" + MENU[7].to_json() + b"]"
SOLD_OUT = {
    station: f"/v1.0/invoke/{station}-api/method/v1/api/{station}/unavailable"
    for station in {item.station for item in MENU}
}
BARISTA, KITCHEN = SOLD_OUT[Station.BARISTA], SOLD_OUT[Station.KITCHEN]
ITEMS = "/v1.0/invoke/product-api/method/v1-get-item-types"
ITEM = "/v1.0/invoke/product-api/method/v1-get-items-by-types?types=7"
NOTHING = Reply(200, b'{"items":[]}')
USUAL = {
    ITEMS: Reply(200, WHOLE),
    ITEM: Reply(200, ONE),
    **dict.fromkeys(SOLD_OUT.values(), NOTHING),
}


class Others:
    """The other APIs, by what they answer; None is no answer at all."""

    def __init__(self, answers: dict[str, Reply | None]) -> None:
        self.answers = {**USUAL, **answers}
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        reply = self.answers[call.target]
        if reply is None:
            raise NoAnswer("nothing")
        return reply


def board(others: Others) -> MenuBoard:
    async def sleep(_seconds: float) -> None:
        raise AssertionError

    env = Environment(Settings(), others, lambda: datetime.now(UTC), bytes, sleep)
    return MenuBoard(env, lambda *_, **__: None)


def request(*headers: tuple[str, str], item: str = "7") -> Request:
    async def no_body(limit: int) -> bytes:
        return b""

    return Request("GET", "/", dict(headers).get, no_body, {"itemType": item})


def menu(others: Others, *headers: tuple[str, str]) -> Response:
    return asyncio.run(board(others).get_menu(request(*headers)))


def available(answer: Response) -> dict[str, Any]:
    return {item["name"]: item["available"] for item in json.loads(answer.body)["items"]}


def test_what_a_station_has_sold_out_is_not_available() -> None:
    listed = b'{"items":[{"itemType":7,"since":"2026-11-24T12:00:00Z"}]}'
    shown = available(menu(Others({KITCHEN: Reply(200, listed)})))
    assert [name for name, there in shown.items() if not there] == ["CROISSANT"]


@pytest.mark.parametrize("reply", [None, Reply(500), Reply(429), Reply(200, b"{")])
def test_a_station_that_does_not_say_leaves_its_items_open(reply: Reply | None) -> None:
    shown = available(menu(Others({BARISTA: reply})))
    assert shown["LATTE"] is None
    assert shown["CROISSANT"] is True


def test_prices_keep_their_two_decimals() -> None:
    assert b'"price":4.50' in menu(Others({})).body


def test_a_client_that_has_the_menu_is_not_sent_it_again() -> None:
    version = dict(menu(Others({})).headers)["etag"]
    again = menu(Others({}), ("if-none-match", f'"other", W/{version}'))
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (None, ServiceUnavailable),
        (Reply(500), ServiceUnavailable),
        (Reply(200, b"["), ServiceUnavailable),
        (Reply(429), TooManyRequests),
    ],
)
def test_without_product_api_there_is_no_menu(reply: Reply | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        menu(Others({ITEMS: reply}))


CHANGE = f"{KITCHEN}/7"


def test_a_change_goes_to_the_items_station_with_the_staffs_token() -> None:
    others = Others({CHANGE: Reply(204)})
    answer = asyncio.run(board(others).put_sold_out(request(("authorization", "Bearer staff"))))
    assert answer.status == 204
    sent = others.calls[-1]
    assert (sent.method, sent.target) == ("PUT", CHANGE)
    assert ("authorization", "Bearer staff") in sent.headers


def test_the_station_decides_about_the_token() -> None:
    with pytest.raises(Problem) as refused:
        asyncio.run(board(Others({CHANGE: Reply(401)})).delete_sold_out(request()))
    assert refused.value.status == 401
    assert refused.value.headers == (("www-authenticate", "Bearer"),)


@pytest.mark.parametrize("item", ["x", "-1", "7/../..", "../openapi.json", "99999", ""])
@pytest.mark.parametrize("name", ["put_sold_out", "delete_sold_out", "get_picture"])
def test_what_is_no_item_goes_nowhere(name: str, item: str) -> None:
    others = Others({})
    with pytest.raises(Problem) as refused:
        asyncio.run(getattr(board(others), name)(request(item=item)))
    assert refused.value.status == 404
    assert others.calls == []
