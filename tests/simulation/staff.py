"""The staff of a station that makes by staff: they look at its screen, tap, and make.

Each does what a careful person does: she begins an item when the station has told her that she
started it, or when her screen says so, and never otherwise. So an item that two persons begin, or
that is cancelled after it was begun, is the station's fault. Some taps are sent twice, to two
screens at once, again when no answer came, with the version that was seen and without.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from coffeeshop.http import Response
from tests.simulation.invariants import Invariants
from tests.simulation.tape import Tape
from tests.simulation.world import App, World

Json = dict[str, Any]
NAMES = ("ann", "bob")
PATIENCE = 1_500
"""Milliseconds until a tap without an answer is repeated."""
ATTEMPTS = 4
PAGE = 100


class SimulatedShop(Protocol):
    """What staff need of the shop."""

    world: World
    tape: Tape
    apps: dict[str, App]
    invariants: Invariants


@dataclass
class Tap:
    """What somebody taps, as it is sent; a repeat is the same."""

    order: str
    what: str
    by: str
    items: list[str] | None
    reason: str | None = None
    seen: int | None = None
    """The version in `If-Match`."""
    attempts: int = ATTEMPTS
    is_answered: bool = False
    tapped: list[str] = field(default_factory=list)
    """The items that it is about, as far as the person saw."""

    def body(self) -> bytes:
        body: Json = {"by": self.by}
        if self.items is not None:
            body["items"] = self.items
        if self.reason is not None:
            body["reason"] = self.reason
        return json.dumps(body).encode()

    def headers(self) -> tuple[tuple[str, str], ...]:
        seen = (("if-match", f'"{self.seen}"'),) if self.seen is not None else ()
        return (("content-type", "application/json"), *seen)


class Staff:
    """Everybody who works at one station."""

    def __init__(self, shop: SimulatedShop, station: str) -> None:
        self._shop = shop
        self._world, self._tape = shop.world, shop.tape
        self.station = station
        self._base = f"/v1/api/{station}"
        self.is_hurrying = False
        """Whether they finish everything now, one after the other."""
        self.goes_home = False
        """Whether they stop looking when everything that came has ended."""

    def work(self, names: Sequence[str] = NAMES) -> None:
        for name in names:
            self._world.after(500 + self._tape.draw(3), partial(self._look, name))

    def close_day(self) -> None:
        """Once, and again while that is not confirmed or something is open."""

        def answered(response: Response | None) -> None:
            if response is not None:
                self._world.note("staff", f"is told {response.status} about closing the day")
            if response is None or response.status != 200:
                self._world.after(2_000, self.close_day)

        self._ask("POST", "/close-day", {"by": "ann", "reason": "The shop closes."}, answered)

    def _ask(
        self, method: str, path: str, body: Json, answer: Callable[[Response | None], None]
    ) -> None:
        self._shop.apps[f"{self.station}-api"].ask(
            *(method, f"{self._base}{path}", (("content-type", "application/json"),)),
            json.dumps(body).encode(),
            answer,
        )

    def _look(self, name: str) -> None:
        """Look at the screen, do something about each ticket, and look again."""

        def answered(response: Response | None) -> None:
            if response is not None and response.status == 200:
                page = json.loads(response.body)
                shown = [ticket["orderId"] for ticket in page["tickets"]]
                self._shop.invariants.tickets.screen(self.station, shown, due)
                for ticket in page["tickets"]:
                    self._begin(name, ticket)
                    self._act(name, ticket)

        if self.goes_home and self._shop.invariants.tickets.has_ended(self.station):
            return
        due = self._shop.invariants.tickets.open(self.station)
        self._ask("GET", f"/tickets?limit={PAGE}", {}, answered)
        pause = 1_000 if self.is_hurrying else (500, 5_000, 20_000)[self._tape.draw(3)]
        self._world.after(pause, lambda: self._look(name))

    def _begin(self, name: str, ticket: Json) -> None:
        """Begin with what the station says that this person has started."""
        for item in ticket["items"]:
            if item["status"] == "STARTED" and item["startedBy"] == name:
                self._shop.invariants.tickets.begun(
                    self.station, ticket["orderId"], item["id"], name, item["makeId"]
                )

    def _act(self, name: str, ticket: Json) -> None:
        draw = (lambda _: 0) if self.is_hurrying else self._tape.draw
        queued = [i["id"] for i in ticket["items"] if i["status"] == "QUEUED"]
        mine = [
            i["id"]
            for i in ticket["items"]
            if i["status"] == "STARTED" and (i["startedBy"] == name or self.is_hurrying)
        ]
        tap = Tap(ticket["orderId"], "start", name, None)
        if queued:
            tap.items = queued[:1] if draw(3) == 1 else queued
        elif mine:
            tap.what, tap.items = "ready", mine[:1] if draw(3) == 1 else mine
        else:
            return
        if draw(12) == 1:
            tap.what, tap.items = "fail", (queued or mine)[:1]
            tap.reason = "The machine is broken."
        tap.tapped = tap.items or []
        if draw(2):
            tap.seen = ticket["sequence"]
        delay = (0, 40, 1_000, 4_000)[draw(4)]
        self._world.after(delay, lambda: self._send(tap))
        if draw(5) == 1:  # a finger that trembles, or a second screen
            self._world.after(delay + draw(4), lambda: self._send(tap))

    def _send(self, tap: Tap) -> None:
        if not tap.attempts:
            return
        tap.attempts -= 1
        is_answered = False

        def answered(response: Response | None) -> None:
            nonlocal is_answered
            if is_answered:
                return
            is_answered = True
            if response is not None and response.status in (200, 412):
                ticket = json.loads(response.body)
                self._world.note(tap.by, f"is told {response.status} about {tap.order}")
                self._shop.invariants.tickets.told(
                    self.station, response.status, ticket, tap.what, tap.tapped, tap.by, tap.seen
                )
                self._begin(tap.by, ticket)
            elif response is None or response.status == 503:
                self._world.after(500, lambda: self._send(tap))
            else:
                self._shop.invariants.tickets.refused(response.status)

        self._world.note(tap.by, f"taps {tap.what} {tap.items} of {tap.order} ({tap.seen})")
        self._shop.apps[f"{self.station}-api"].ask(
            *("POST", f"{self._base}/tickets/{tap.order}/{tap.what}", tap.headers(), tap.body()),
            answered,
        )
        self._world.after(PATIENCE, lambda: answered(None))
