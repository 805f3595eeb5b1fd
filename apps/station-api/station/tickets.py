"""What becomes of a ticket: QUEUED → STARTED → READY, or FAILED, or CANCELLED. Pure functions.

An item that has ended never changes. A function that changes nothing returns the ticket that it was
given, and one that does raises its sequence by one. T1 to T9 are rules of docs/workflow.md.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coffeeshop.contracts import ItemStatus, StationAnswered
from coffeeshop.tickets import Ticket, TicketItem
from station.decisions import cancelled_because

QUEUED, STARTED, READY = ItemStatus.QUEUED, ItemStatus.STARTED, ItemStatus.READY
FAILED, CANCELLED = ItemStatus.FAILED, ItemStatus.CANCELLED
OPEN = (QUEUED, STARTED)

_FROM: Mapping[ItemStatus, Collection[ItemStatus]] = {
    STARTED: (QUEUED,),
    # W6: not from QUEUED. What somebody makes must have been started, or it could be cancelled.
    READY: (STARTED,),
    FAILED: OPEN,
}
_WORDS: Mapping[ItemStatus, str] = {
    QUEUED: "is not started",
    STARTED: "is started",
    READY: "is ready",
    FAILED: "could not be made",
    CANCELLED: "was cancelled",
}


class Refused(Exception):
    """An item cannot go where staff want it; the text says why, for people."""


class UnknownItem(Exception):
    """The ticket has no item with this id."""


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did to items of a ticket, or, without `items`, to all of it that is open."""

    to: ItemStatus
    """STARTED, READY or FAILED."""
    by: str
    items: Sequence[str] | None = None
    reason: str | None = None


def tapped(ticket: Ticket, action: Action, now: datetime, make_id: Callable[[], str]) -> Ticket:
    """The ticket after the action: all of its items follow, or none (T3). An item that has been
    there stays as it is (T4). Raises `Refused` and `UnknownItem`."""
    chosen = _chosen(ticket, action)
    moving = {item.id for item in chosen if item.status in _FROM[action.to]}
    for item in chosen:
        if item.id not in moving and not _was(item, action.to):
            raise Refused(f"{item.name} {_WORDS[item.status]}.")

    def after(item: TicketItem) -> TicketItem:
        if action.to is STARTED:
            return _with(item, status=STARTED, makeId=make_id(), startedAt=now, startedBy=action.by)
        return _ended(item, action.to, now, action.by, action.reason)

    return _changed(ticket, moving, after, now)


def repeats(ticket: Ticket, action: Action) -> bool:
    """Whether just this was done to the ticket before, by the same person (T5)."""
    return all(
        _was(item, action.to)
        and action.by == (item.startedBy if action.to is STARTED else item.endedBy)
        for item in _chosen(ticket, action)
    )


def cancel(ticket: Ticket, now: datetime) -> Ticket:
    """Without what is not begun: what is begun, or has ended, stays (W13)."""
    queued = {item.id for item in ticket.items if item.status is QUEUED}
    return _changed(
        ticket,
        queued,
        lambda item: _ended(item, CANCELLED, now, None, cancelled_because(item.name)),
        now,
    )


def close(ticket: Ticket, by: str, reason: str, now: datetime) -> Ticket:
    """Everything that is open fails, for this reason (T8)."""
    still_open = {item.id for item in ticket.items if item.status in OPEN}
    return _changed(ticket, still_open, lambda item: _ended(item, FAILED, now, by, reason), now)


def report(ticket: Ticket) -> StationAnswered:
    """The ticket as the counter gets it: what was taken from the store is not checked again, and
    only the report's own fields are written."""
    return StationAnswered.model_construct(
        orderId=ticket.orderId,
        station=ticket.station,
        sequence=ticket.sequence,
        final=ticket.final,
        items=ticket.items,
        answeredAt=ticket.answeredAt,
    )


def etag(ticket: Ticket) -> str:
    """Of each version: its sequence."""
    return f'"{ticket.sequence}"'


def _chosen(ticket: Ticket, action: Action) -> Sequence[TicketItem]:
    """The items that the action is about. Raises `UnknownItem`."""
    if action.items is not None:
        by_id = {item.id: item for item in ticket.items}
        if unknown := [each for each in action.items if each not in by_id]:
            raise UnknownItem(unknown[0])
        return [by_id[each] for each in dict.fromkeys(action.items)]
    if still_open := [item for item in ticket.items if item.status in OPEN]:
        return still_open
    # All has ended: the action is done if something of it ended so.
    return [item for item in ticket.items if _was(item, action.to)] or ticket.items


def _was(item: TicketItem, status: ItemStatus) -> bool:
    """Whether the item is there, or came through there."""
    return item.status is status or (status is STARTED and item.startedAt is not None)


def _ended(
    item: TicketItem, status: ItemStatus, now: datetime, by: str | None, reason: str | None
) -> TicketItem:
    return _with(item, status=status, reason=reason, endedAt=now, endedBy=by)


def _with(item: TicketItem, **changes: Any) -> TicketItem:
    return item.model_copy(update=changes)


def _changed(
    ticket: Ticket,
    changing: Collection[str],
    change: Callable[[TicketItem], TicketItem],
    now: datetime,
) -> Ticket:
    if not changing:
        return ticket
    items = tuple(change(item) if item.id in changing else item for item in ticket.items)
    return ticket.model_copy(
        update={
            "items": items,
            "sequence": ticket.sequence + 1,
            "final": all(item.status not in OPEN for item in items),
            "answeredAt": now,
        }
    )
