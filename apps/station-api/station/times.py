"""How long tickets took: pure functions."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from coffeeshop.contracts import ItemStatus
from coffeeshop.tickets import Spread, Ticket, Times
from station.board import placed_at

DAY = timedelta(hours=24)
MOST = 500
"""Tickets that are looked at."""


def times(tickets: Sequence[Ticket], since: datetime) -> Times:
    """A ticket is started with its first item, and ready with its last, once it has ended."""
    waited, made, whole = [], [], []
    for ticket in tickets:
        started = min((i.startedAt for i in ticket.items if i.startedAt), default=None)
        if started is None:
            continue
        waited.append(started - placed_at(ticket))
        ready = [i.endedAt for i in ticket.items if i.status is ItemStatus.READY and i.endedAt]
        if ticket.final and ready:
            made.append(max(ready) - started)
            whole.append(max(ready) - placed_at(ticket))
    return Times(
        since=since,
        tickets=len(tickets),
        placedToStarted=spread(waited),
        startedToReady=spread(made),
        placedToReady=spread(whole),
    )


def spread(durations: Iterable[timedelta]) -> Spread | None:
    """By nearest rank. A clock that was set back makes none negative."""
    seconds = sorted(max(0.0, round(each.total_seconds(), 1)) for each in durations)
    if not seconds:
        return None
    return Spread(p50=seconds[(len(seconds) - 1) // 2], p90=seconds[-(-len(seconds) * 9 // 10) - 1])
