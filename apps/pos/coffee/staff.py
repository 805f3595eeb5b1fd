"""A station as its staff see it: its tickets over HTTP, wherever it is."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Literal

import httpx

from coffee.client import STAFF_TOKEN, Json, Refused, ShopClient, checked_url, is_here

Step = Literal["start", "ready", "fail"]
PORTS = 12
"""Ports above the counter's at which a station on this machine may be."""


class Station(ShopClient):
    """Calls may be repeated: each of them is done once. Raises `Refused` and `Unreachable`."""

    TOKEN = STAFF_TOKEN

    def __init__(self, name: str, url: str) -> None:
        """`url` is where the shop is. Raises `ConfigError`, and `Refused` where no such station
        is."""
        super().__init__(found(name, url))
        self.name = name
        self._path = f"/v1/api/{name}"

    def tickets(self, state: str, limit: int) -> Json:
        """A page of tickets: open ones oldest first, closed ones newest first."""
        query = {"state": state, "limit": limit}
        return self._call("GET", f"{self._path}/tickets", has="tickets", kind=list, params=query)

    def changes(self, limit: int) -> Iterator[Json | None]:
        """The open tickets at each change, with those that ended a moment ago."""
        return self.follow(f"{self._path}/tickets/events", limit=limit)

    def tap(
        self,
        step: Step,
        order_id: str,
        by: str,
        items: Sequence[str] | None = None,
        reason: str | None = None,
        seen: int | None = None,
    ) -> Json:
        """Say what was done with items of a ticket, or with all of it: the ticket as it is then.
        `reason` is why something cannot be made, `seen` the version of the ticket that somebody
        saw. Raises `Refused`, too, if it has another one."""
        given = {"by": by, "items": items, "reason": reason}
        body = {name: value for name, value in given.items() if value is not None}
        path = f"{self._path}/tickets/{order_id}/{step}"
        headers = {} if seen is None else {"if-match": f'"{seen}"'}
        return self._call("POST", path, has="orderId", json=body, headers=headers)

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code == 412:
            raise Refused("Somebody was faster, or it was cancelled. Look at it again.")
        super()._check(answer)

    def close_day(self, by: str, reason: str) -> int:
        """End all that is open. Returns how many tickets that were."""
        ended, path, body = 0, f"{self._path}/close-day", {"by": by, "reason": reason}
        while True:
            told = self._call("POST", path, has="ended", kind=int, json=body)
            ended += int(told["ended"])
            if not told["open"] or not told["ended"]:
                return ended


def found(name: str, url: str) -> str:
    """The station's address: `$COFFEESHOP_STATION_URL`, or that of the shop, or, on this machine,
    one of the ports after the counter's. Raises `ConfigError` and `Refused`."""
    if not re.fullmatch("[a-z]{1,20}", name):
        raise Refused(f"A station has a name of 1 to 20 letters from a to z, not {name[:40]!r}.")
    if given := os.environ.get("COFFEESHOP_STATION_URL"):
        return checked_url(given)
    places = [url]
    if is_here(url) and (port := httpx.URL(url).port):
        places += [str(httpx.URL(url).copy_with(port=port + n)) for n in range(1, PORTS + 1)]
    with httpx.Client(timeout=5, trust_env=not is_here(url)) as client:
        for place in places:
            try:
                answer = client.get(f"{place.rstrip('/')}/openapi/{name}.json")
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                return place.rstrip("/")
        on_menu = _on_menu(client, url)
    raise Refused(
        f"There is no station {name} at {url}.{on_menu} COFFEESHOP_STATION_URL says where it is, "
        "if it has an address of its own."
    )


def _on_menu(client: httpx.Client, url: str) -> str:
    """Which stations there are, as far as the shop says it."""
    try:
        items = client.get(f"{url.rstrip('/')}/v1/api/menu").json()["items"]
        names = sorted({item["station"] for item in items})
    except (httpx.TransportError, ValueError, KeyError, TypeError):
        return ""
    return f" The menu has {', '.join(names)}."
