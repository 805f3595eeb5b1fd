"""What a route answers when its sidecar fails is what its description says, no more and no less.

Each call that a route makes to its sidecar fails once in each way, alone and with all that follow.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.http import Request, Response, Route
from coffeeshop.settings import BY_STAFF, Settings
from coffeeshop.topics import CANCELLED, PLACED, UPDATED_ROUTES
from coffeeshop.transport import Call, NoAnswer, Reply
from example_orders import MENU_JSON, NOW, answer, placed
from fake_sidecar import FakeSidecar
from scripts.describe import descriptions, guests

APIS = ("product", "counter", "barista")
ORDER = {"loyaltyMemberId": "ann", "items": [{"itemType": 1}, {"itemType": 7}]}
EVENTS = {
    **dict.fromkeys((PLACED.route("barista"), CANCELLED.route("barista")), "ordered"),
    **dict.fromkeys(UPDATED_ROUTES, "answered"),
}
STATION: dict[str, Any] = {
    "items": [],
    "tickets": [],
    "next": None,
    "limits": {"slow": 1, "late": 2},
    "orderId": "00000000-0000-4000-8000-000000000001",
    "station": "barista",
    "answeredAt": "2026-11-24T12:00:00Z",
    "ended": 0,
    "open": 0,
    "since": "2026-11-24T12:00:00Z",
    **dict.fromkeys(("placedToStarted", "startedToReady", "placedToReady")),
}
"""What a station answers to the counter: each contract's fields, for readers ignore the others."""
BODIES: dict[str, Any] = {
    "start": {"by": "ann", "items": ["j"]},
    "ready": {"by": "ann", "items": ["i"]},
    "fail": {"by": "ann", "items": ["j"], "reason": "no milk"},
    "close-day": {"by": "ann", "reason": "It is late."},
}
"""What staff send, by the end of the path."""
FAILURES: dict[str, Reply | None] = {
    "no answer": None,
    "nothing": Reply(204),
    "no document": Reply(200),
    "half a document": Reply(200, b'{"items":[', "1"),
    "another document": Reply(200, b'{"a":1}', "1"),
    **{str(status): Reply(status) for status in (400, 401, 403, 404, 409, 429, 500, 503)},
}
BY_FAILURE = {429, 503}
"""Statuses of a failure of the sidecar: a route that is described with one has a failure for it."""


class Failing(FakeSidecar):
    """The calls whose numbers are in `fails` are answered with `reply`, or not at all."""

    fails = range(0)
    reply: Reply | None = None
    number = 0

    def begin(self, fails: range, reply: Reply | None) -> None:
        self.fails, self.reply, self.number = fails, reply, 0

    async def send(self, call: Call) -> Reply:
        self.number += 1
        if self.number - 1 not in self.fails:
            return await super().send(call)
        if self.reply is None:
            raise NoAnswer("failing")
        return self.reply


class ShopClient:
    """An API that has one order, over a sidecar that fails. `is_made`: its stations made it."""

    def __init__(
        self, api: str, *, is_made: bool = False, station: dict[str, Any] = STATION
    ) -> None:
        nothing = json.dumps(station).encode()
        self.sidecar = Failing(
            store=f"{api}-store",
            menu=MENU_JSON,
            others={"barista-api": nothing, "kitchen-api": nothing},
        )
        self.now = NOW

        async def sleep(_seconds: float) -> None:
            return

        settings = Settings(id_secret="s", station=api, making=BY_STAFF)
        env = Environment(settings, self.sidecar, lambda: self.now, os.urandom, sleep)
        self._router = guests.api(api).build(env)
        self.routes = self._router.routes
        self._order = placed([1], [])
        self._id = self._order.id
        if api == "counter":
            created = self._ask("POST", "/v1/api/orders", ORDER)
            self._id = json.loads(created.body)["id"]
            if is_made:
                self._made()
        elif api == "barista":
            self._ask("POST", PLACED.route("barista"), self._event("ordered"))
            begun = {"by": "ann", "items": ["i"]}
            self._ask("POST", f"/v1/api/barista/tickets/{self._id}/start", begun)
        self.now += timedelta(seconds=15)  # the order is due in a sweep

    def _made(self) -> None:
        made = placed([1], [7])
        items = (replace(i, id=i.id.replace(made.id, self._id)) for i in made.items)
        order = replace(made, id=self._id, items=tuple(items))
        for station in order.stations:
            event = json.loads(answer(order, station).to_json())
            self._ask("POST", UPDATED_ROUTES[-1], {"data": event})

    def _event(self, kind: str) -> dict[str, Any]:
        if kind == "answered":
            return {"data": json.loads(answer(self._order, Station.BARISTA).to_json())}
        items = [{"id": name, "itemType": 1, "name": "COFFEE_BLACK"} for name in "ij"]
        later = (NOW + timedelta(minutes=5)).isoformat()
        return {"data": {"orderId": self._order.id, "expiresAt": later, "items": items}}

    def ask(self, route: Route) -> Response:
        """The answer to a request that the route takes."""
        target = route.path.replace("{id}", self._id).replace("{itemType}", "7")
        target = target.replace("{station}", "barista")
        if route.path == "/v1/api/orders" and route.method == "GET":
            target += "?loyaltyMemberId=ann"
        if route.path == "/v1-get-items-by-types" and route.method == "GET":
            target += "?types=1,7"
        body: Any = {"types": "1,7"} if "types" in route.path else ORDER
        body = BODIES.get(route.path.rpartition("/")[2], body)
        if route.path in EVENTS:
            body = self._event(EVENTS[route.path])
        return self._ask(route.method, target, body)

    def _ask(self, method: str, target: str, body: Any) -> Response:
        async def read(limit: int) -> bytes:
            return json.dumps(body).encode()

        request = Request(method, target, {"content-type": "application/json"}.get, read)

        async def call() -> Response:
            return await self._router(request)

        return asyncio.run(call())


def routes() -> Iterator[tuple[str, Route]]:
    for api in APIS:
        yield from ((api, route) for route in ShopClient(api).routes if route.operation)


def name(value: object) -> str:
    return f"{value.method} {value.path}" if isinstance(value, Route) else str(value)


def described(api: str, route: Route) -> dict[int, set[str]]:
    """The headers that an answer of each status must have."""
    operation = descriptions.openapi(api)["paths"][route.path][route.method.lower()]
    return {
        int(status): {
            name for name, header in answer.get("headers", {}).items() if header.get("required")
        }
        for status, answer in operation["responses"].items()
    }


def _shop(api: str, route: Route) -> ShopClient:
    """One in which the route can be asked for."""
    station = STATION | ({"tickets": 0} if route.path.endswith("/times") else {})
    return ShopClient(api, is_made=route.path.endswith("/collect"), station=station)


def seen(api: str, route: Route) -> dict[int, set[str]]:
    """Every status that a failure provokes, and that of no failure, with the headers that each
    answer of that status has."""
    shop = _shop(api, route)
    shop.sidecar.begin(range(0), None)
    found: dict[int, set[str]] = {}

    def note(answer: Response) -> None:
        names = {name for name, _ in answer.headers}
        found[answer.status] = found.get(answer.status, names) & names

    note(shop.ask(route))
    calls = shop.sidecar.number
    for first in range(calls):
        for fails in (range(first, first + 1), range(first, 1_000)):
            for reply in FAILURES.values():
                shop = _shop(api, route)
                shop.sidecar.begin(fails, reply)
                note(shop.ask(route))
    return found


@pytest.mark.parametrize(("api", "route"), list(routes()), ids=name)
def test_a_failure_of_the_sidecar_is_answered_as_described(api: str, route: Route) -> None:
    found, expected = seen(api, route), described(api, route)
    assert set(found) <= set(expected)
    assert set(found) & BY_FAILURE == set(expected) & BY_FAILURE
    assert {s: expected[s] - names for s, names in found.items() if expected[s] - names} == {}


def test_a_shop_that_is_busy_says_when_there_is_room_again() -> None:
    """In both fields: an older client knows `Retry-After` alone."""
    shop = ShopClient("counter")
    shop.sidecar.begin(range(1_000), Reply(429))
    (place,) = (r for r in shop.routes if (r.method, r.path) == ("POST", "/v1/api/orders"))
    answer = shop.ask(place)
    assert answer.status == 429
    told = dict(answer.headers)
    assert told["ratelimit"] == f'"menu";r=0;t={told["retry-after"]}'


def test_a_request_without_a_failure_succeeds_on_every_route() -> None:
    """Else its failures would prove nothing."""
    refused: list[str] = []
    for api, route in routes():
        if (status := _shop(api, route).ask(route).status) >= 400 and (
            api,
            route.path,
        ) not in EXPECTED_REFUSALS:
            refused.append(f"{api} {name(route)}: {status}")
    assert refused == []


EXPECTED_REFUSALS = {("barista", "/v1/api/barista/unavailable/{itemType}")}
"""Item 7 is not on the list of what is sold out: 404."""
