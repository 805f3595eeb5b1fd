"""What staff do at their screen reaches their station through the counter, and comes back as is."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from coffeeshop.environment import Environment
from coffeeshop.http import Problem, Request, Response
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, NoAnswer, Reply, ServiceUnavailable
from counter.clients import TooManyRequests
from counter.stations import Stations

ORDER = "00000000-0000-4000-8000-000000000001"
TICKET = json.dumps(
    {"orderId": ORDER, "station": "barista", "items": [], "answeredAt": "2026-11-24T12:00:00Z"}
).encode()
START = f"/v1.0/invoke/barista-api/method/v1/api/barista/tickets/{ORDER}/start"
PAGE = b'{"tickets":[%s],"next":null,"limits":{"slow":180,"late":360}}'


MENU = (
    b'[{"itemType":1,"name":"COFFEE_BLACK","price":3.00,"station":"%s",'
    b'"image":"/v1/api/menu/1/image"}]'
)


class Station:
    """A station that answers every call alike; None is no answer. With `menu` product-api answers
    so."""

    def __init__(self, reply: Reply | None, menu: Reply | None = None) -> None:
        self.reply = reply
        self.menu = menu
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.menu is not None and "/product-api/" in call.target:
            return self.menu
        if self.reply is None:
            raise NoAnswer("nothing")
        return self.reply


async def _never(_seconds: float) -> None:
    raise AssertionError


def ask(
    station: Station,
    handler: Callable[[Stations], Callable[[Request], Awaitable[Response]]],
    body: Any = None,
    **headers: str,
) -> Response:
    async def read(limit: int) -> bytes:
        return json.dumps(body).encode()

    async def call() -> Response:
        env = Environment(Settings(), station, lambda: datetime.now(UTC), os.urandom, _never)
        given = {"content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        params = {"station": "barista", "id": ORDER}
        request = Request("POST", "/?limit=5", given.get, read, params)
        return await handler(Stations(env, lambda *_, **__: None))(request)

    return asyncio.run(call())


def start(station: Station, **headers: str) -> Response:
    return ask(station, lambda each: each.start, {"by": "ann", "items": ["i"]}, **headers)


def test_a_tap_goes_to_the_station_with_token_and_etag_and_its_answer_comes_back() -> None:
    station = Station(Reply(200, TICKET, '"2"'))
    answer = start(station, authorization="Bearer staff", if_match='"1"')
    assert (answer.status, answer.body, answer.headers) == (200, TICKET, (("etag", '"2"'),))
    (call,) = station.calls
    assert (call.method, call.target) == ("POST", START)
    assert {("authorization", "Bearer staff"), ("if-match", '"1"')} <= set(call.headers)
    assert json.loads(call.body) == {"items": ["i"], "by": "ann"}


def test_a_ticket_that_somebody_else_changed_comes_back_as_it_is() -> None:
    answer = start(Station(Reply(412, TICKET, '"3"')))
    assert (answer.status, answer.body) == (412, TICKET)


@pytest.mark.parametrize("status", [404, 409, 422])
def test_what_the_station_refuses_is_refused_in_its_words(status: int) -> None:
    said = json.dumps({"title": "No", "status": status, "detail": "LATTE is ready."}).encode()
    with pytest.raises(Problem) as refused:
        start(Station(Reply(status, said)))
    assert (refused.value.status, refused.value.detail) == (status, "LATTE is ready.")


def test_the_station_decides_about_the_token_of_its_staff() -> None:
    with pytest.raises(Problem) as refused:
        start(Station(Reply(401)))
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (None, ServiceUnavailable),
        (Reply(500), ServiceUnavailable),
        (Reply(200, TICKET[:20]), ServiceUnavailable),
        (Reply(409), ServiceUnavailable),
        (Reply(429), TooManyRequests),
    ],
)
def test_a_station_that_does_not_answer_as_it_should_is_no_answer(
    reply: Reply | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        start(Station(reply))


@pytest.mark.parametrize("matches", ["", "1", '"\xe9"', '"%s"' % ("9" * 2000)])
def test_a_condition_that_nobody_understands_never_reaches_the_station(matches: str) -> None:
    """An empty one would be lost on the way, and a sidecar refuses the others."""
    station = Station(Reply(200, TICKET))
    with pytest.raises(Problem) as refused:
        start(station, if_match=matches)
    assert refused.value.status == 400
    assert station.calls == []


def test_a_condition_reaches_the_station_as_it_was_meant() -> None:
    station = Station(Reply(412, TICKET))
    start(station, if_match=' W/"1","2" ')
    assert ("if-match", 'W/"1", "2"') in station.calls[0].headers


@pytest.mark.parametrize("reply", [None, Reply(500)])
def test_a_station_that_is_not_on_the_menu_is_not_there(reply: Reply | None) -> None:
    """The sidecar knows no such app: to repeat the request would not help."""
    with pytest.raises(Problem) as refused:
        start(Station(reply, Reply(200, MENU % b"kitchen")))
    assert refused.value.status == 404


@pytest.mark.parametrize(
    "menu", [Reply(200, MENU % b"barista"), Reply(500), Reply(429), Reply(200, b"[")]
)
def test_a_station_that_may_come_back_is_away(menu: Reply) -> None:
    with pytest.raises(ServiceUnavailable):
        start(Station(None, menu))


def test_a_page_is_what_the_station_lists() -> None:
    station = Station(Reply(200, PAGE % TICKET))
    page = json.loads(ask(station, lambda each: each.list_tickets).body)
    assert [ticket["orderId"] for ticket in page["tickets"]] == [ORDER]
    assert page["limits"] == {"slow": 180, "late": 360}
    assert station.calls[0].target.endswith("/v1/api/barista/tickets?state=open&limit=5")
