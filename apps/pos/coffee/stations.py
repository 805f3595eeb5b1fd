"""The commands of a station's staff."""

import getpass
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.live import Live

from coffee import keys
from coffee.client import Json, Refused, Unreachable
from coffee.output import console, print_json
from coffee.screen import Screen, Tap, line
from coffee.staff import Station
from coffee.terminal import AsJson, At, output

LIMIT = 100
"""Tickets on a screen."""
By = Annotated[str, typer.Option("--as", help="Who does it.", metavar="NAME", show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.command()(station)
    app.command("close-day")(close_day)


def station(
    name: Annotated[str, typer.Argument(help="Such as barista.", metavar="STATION")],
    by: By = "",
    live: Annotated[bool, typer.Option(help="Go on until q.")] = True,
    as_json: AsJson = False,
) -> None:
    """What a station has to make, oldest first: choose a ticket and say what was done, by keys.
    A line for each change where it is no terminal; --json prints the tickets at each change."""
    place = Station(name, At.url)
    if not live:
        found = place.tickets("open", LIMIT)["tickets"]
        output(found, as_json, lambda: _print_all(found))
    elif as_json:
        for page in filter(None, place.changes(LIMIT)):
            print_json(page["tickets"])
    elif console.is_terminal:
        _Desk(name, place.url, by or _person()).work()
    else:
        _print_changes(place)


def close_day(
    name: Annotated[str, typer.Option("--station", help="Such as barista.", metavar="STATION")],
    reason: Annotated[str, typer.Option(help="Why what is open is not made.")] = "The shop closed.",
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """End all that is open at a station: what is not ready is not made."""
    place = Station(name, At.url)
    if not yes and console.is_terminal:
        waiting = len(place.tickets("open", LIMIT)["tickets"])
        typer.confirm(f"End what is open at the {name} ({waiting} tickets or more)?", abort=True)
    ended = place.close_day(by or _person(), reason)
    tickets = "1 ticket was" if ended == 1 else f"{ended} tickets were"
    output({"ended": ended}, as_json, lambda: console.print(f"{tickets} ended."))


def _print_all(tickets: Sequence[Json]) -> None:
    for ticket in tickets:
        console.print(line(ticket), soft_wrap=True)


def _print_changes(place: Station) -> None:
    before: dict[str, int] = {}
    for page in filter(None, place.changes(LIMIT)):
        now = {ticket["orderId"]: ticket["sequence"] for ticket in page["tickets"]}
        tickets = page["tickets"]
        _print_all([t for t in tickets if before.get(t["orderId"]) != t["sequence"]])
        before = now


def _person() -> str:
    """The name of the account."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "staff"


class _Desk:
    """The screen, while somebody works at it. One thread follows the tickets, another one sends
    what was done, in the order of the keys, until it was taken."""

    def __init__(self, name: str, url: str, by: str) -> None:
        self._by = by
        self._follower, self._sender = Station(name, url), Station(name, url)
        self._screen = Screen(by)
        self._taps: deque[Tap] = deque()
        self._pages: deque[Json] = deque(maxlen=1)
        self._notes: deque[str] = deque(maxlen=1)
        self._failures: deque[Exception] = deque(maxlen=1)
        self._is_away = {"follower": False, "sender": False}
        self._told: dict[str, int] = {}
        """The newest versions of tickets that taps from here were answered with."""

    def work(self) -> None:
        """Until somebody quits. Raises `Refused`."""
        for task in (self._follow, self._send):
            threading.Thread(target=task, daemon=True).start()
        with keys.one_by_one(), Live(console=console, screen=True, auto_refresh=False) as shown:
            while not self._screen.has_ended:
                self._take_over()
                drawn = self._screen.drawn(self._follower.now(), console.height)
                shown.update(drawn, refresh=True)
                for key in keys.pressed(0.25):
                    if tap := self._screen.press(key):
                        self._taps.append(tap)

    def _take_over(self) -> None:
        """What the threads have found."""
        if self._failures:
            raise self._failures[0]
        if self._pages:
            self._screen.update(self._pages.pop())
        if self._notes:
            self._screen.note = self._notes.pop()
        self._screen.is_offline = any(self._is_away.values())
        self._screen.unsent = [tap.words for tap in tuple(self._taps)]

    def _follow(self) -> None:
        while True:
            try:
                for page in self._follower.changes(LIMIT):
                    self._is_away["follower"] = False
                    if page:
                        self._pages.append(page)
            except Unreachable:
                self._is_away["follower"] = True
                time.sleep(1)
            except Refused as error:
                self._failures.append(error)
                return

    def _send(self) -> None:
        while True:
            if not self._taps:
                time.sleep(0.05)
                continue
            tap = self._taps[0]
            try:
                # What was tapped before the answer to the last tap was done to what that made.
                seen = max(tap.seen, self._told.get(tap.order_id, 0))
                ticket = self._sender.tap(
                    tap.step, tap.order_id, self._by, tap.items, tap.reason, seen
                )
                self._told[tap.order_id] = ticket["sequence"]
            except Unreachable:
                self._is_away["sender"] = True
                time.sleep(1)
                continue
            except Refused as error:
                self._notes.append(f"{tap.words}: {error}")
            self._is_away["sender"] = False
            self._taps.popleft()
