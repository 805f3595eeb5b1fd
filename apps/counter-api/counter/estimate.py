"""How long an open order will take: from the orders before it, and from how fast its stations are.

The sweep learns both, for it sees every order that ends or stays open: so they cost no call for an
order. They are one small document, which views read beside the reports. Pure functions.

A station's pace is the time from one order that it ended to the next, while it had something to do.
It need not be known how many people work there: two of them end orders twice as often.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from coffeeshop.contracts import ItemStatus, Station
from coffeeshop.index import milliseconds
from counter.documents import Order, Report, Reports
from counter.order import unfinished_stations

PACES = "paces"
"""The document's key."""
WEIGHT = 0.2
"""Of the newest order: a pace is about that of the last ten."""
LONGEST_MS = 1_800_000
"""What took longer was forgotten, and says nothing about the next order."""
QUEUE = 200
"""Open orders of a station that are remembered, the oldest first."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a station. Times are milliseconds, moments milliseconds since 1970."""

    station: Station
    takes: float
    """For one order."""
    ended: int
    """When it ended one for the last time."""
    queue: tuple[int, ...] = ()
    """When its open orders were placed, oldest first."""

    def after(self, placed: int, ended: int) -> "Pace":
        """The pace when the station has ended one more order."""
        took = min(max(0, ended - max(self.ended, placed)), LONGEST_MS)
        takes = self.takes + WEIGHT * (took - self.takes)
        return replace(self, takes=takes, ended=max(self.ended, ended))

    def left(self, placed: int, now: int) -> float:
        """How long an order of that time will take. What the station has in hand counts as begun
        when it ended the one before it."""
        before = bisect_left(self.queue, placed)
        begun = max(self.ended, self.queue[0] if before else placed)
        return before * self.takes + max(0.0, self.takes - max(0, now - begun))


@dataclass(frozen=True, slots=True)
class Paces:
    """The document."""

    stations: tuple[Pace, ...] = ()

    def of(self) -> dict[Station, Pace]:
        return {pace.station: pace for pace in self.stations}


def learned(
    paces: Paces, ended: Iterable[Order], waiting: Iterable[tuple[int, Sequence[Station]]]
) -> Paces:
    """What is known after these orders have ended, while those are open: when each was placed, and
    the stations that it waits for."""
    found = paces.of()
    reports = [(report, order) for order in ended for report in order.settled or ()]
    for report, order in sorted(reports, key=lambda each: each[0].recorded_at):
        if _is_made(report):
            placed, end = milliseconds(order.placed_at), milliseconds(report.recorded_at)
            took = min(max(0, end - placed), LONGEST_MS)
            known = found.get(report.station)
            first = Pace(report.station, float(took), end)
            found[report.station] = known.after(placed, end) if known else first
    queues: dict[Station, list[int]] = defaultdict(list)
    for at, stations in waiting:
        for station in stations:
            queues[station].append(at)
    return Paces(
        tuple(
            replace(pace, queue=tuple(sorted(queues[station])[:QUEUE]))
            for station, pace in sorted(found.items())
        )
    )


def _is_made(report: Report) -> bool:
    return any(item.status is ItemStatus.READY for item in report.items)


def estimate(order: Order, reports: Reports, paces: Paces, now: datetime) -> int | None:
    """Seconds until the order has ended, in steps as people count: tens, and above one minute
    minutes. None where no station that it waits for is known."""
    known = paces.of()
    placed, at = milliseconds(order.placed_at), milliseconds(now)
    left = [known[s].left(placed, at) for s in unfinished_stations(order, reports) if s in known]
    if not left:
        return None
    seconds = max(left) / 1000
    step = 10 if seconds <= 60 else 60
    return ceil(seconds / step) * step
