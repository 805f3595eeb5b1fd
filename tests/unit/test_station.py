"""A station's rules: made once, the first verdict is final, only its own sidecar may order."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coffeeshop import station
from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.http import Request, Response, Router
from coffeeshop.settings import Settings
from fake_sidecar import FakeSidecar

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDERED = "/dapr_subscribe_KitchenOrdered"


class Kitchen:
    """The kitchen's router over a fake sidecar, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.sidecar = FakeSidecar()
        self.now = NOW
        env = Environment(
            settings=Settings(app_token="token"),
            transport=self.sidecar,
            clock=lambda: self.now,
            entropy=os.urandom,
            sleep=_no_sleep,
        )
        configuration = station.Configuration(Station.KITCHEN, ORDERED)
        self._router: Router = station.build(configuration, env)

    def ask(self, method: str, target: str, body: Any = None, token: str = "token") -> Response:
        headers = {"content-type": "application/cloudevents+json", "dapr-api-token": token}
        text = json.dumps(body).encode()
        request = Request(method, target, headers.get, _reader(text))
        return asyncio.run(_call(self._router, request))

    def order(self, **changes: Any) -> Response:
        data = {
            "version": 1,
            "orderId": "o",
            "expiresAt": (NOW + timedelta(minutes=5)).isoformat(),
            "items": [{"id": "o-1", "itemType": 7, "name": "CROISSANT"}],
        }
        return self.ask("POST", ORDERED, {"data": data | changes})


async def _no_sleep(_seconds: float) -> None:
    return


def _reader(body: bytes) -> Any:
    async def read(_limit: int) -> bytes:
        return body

    return read


async def _call(router: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    return await router(request)


def test_a_repeated_order_is_made_once_and_answered_twice() -> None:
    kitchen = Kitchen()
    assert kitchen.order().status == 204
    assert kitchen.order().status == 204
    (first_target, first), (second_target, second) = kitchen.sidecar.published
    assert first == second
    assert first_target == second_target
    assert first["items"][0]["status"] == "READY"
    assert first["items"][0]["makeId"]


def test_a_sold_out_item_fails_and_says_so() -> None:
    kitchen = Kitchen()
    assert kitchen.ask("PUT", "/v1/api/kitchen/unavailable/7").status == 204
    kitchen.order()
    item = kitchen.sidecar.published[0][1]["items"][0]
    assert (item["status"], item["reason"]) == ("FAILED", "CROISSANT is sold out.")
    assert item["makeId"] is None


def test_the_first_verdict_is_final_whatever_is_listed_later() -> None:
    kitchen = Kitchen()
    kitchen.order()
    kitchen.ask("PUT", "/v1/api/kitchen/unavailable/7")
    kitchen.now = NOW + timedelta(hours=1)
    kitchen.order()
    assert [event["items"][0]["status"] for _, event in kitchen.sidecar.published] == ["READY"] * 2


def test_an_expired_order_is_not_made() -> None:
    kitchen = Kitchen()
    kitchen.now = NOW + timedelta(hours=1)
    kitchen.order()
    assert kitchen.sidecar.published[0][1]["items"][0]["status"] == "FAILED"


@pytest.mark.parametrize("body", [None, [], {}, {"data": 1}, {"data": {"version": 1}}])
def test_what_is_no_order_is_dropped_to_the_dead_letters(body: Any) -> None:
    kitchen = Kitchen()
    answer = kitchen.ask("POST", ORDERED, body)
    assert (answer.status, answer.body) == (200, b'{"status":"DROP"}')
    assert not kitchen.sidecar.documents


def test_a_newer_version_is_left_for_a_newer_station() -> None:
    assert Kitchen().order(version=2).status == 503


@pytest.mark.parametrize("token", ["", "wrong"])
def test_only_its_own_sidecar_may_order(token: str) -> None:
    kitchen = Kitchen()
    assert kitchen.ask("POST", ORDERED, {}, token=token).status == 403
    assert not kitchen.sidecar.calls
