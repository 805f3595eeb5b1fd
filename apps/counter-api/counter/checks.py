"""What the sweep does about an order, and when: pure functions.

W1 to W19 are the workflow's rules (docs/workflow.md).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coffeeshop.contracts import Station
from counter.documents import Order, OrderDocument, Reports, Tombstone
from counter.order import unfinished_stations

GRACE_PERIOD = timedelta(seconds=90)
"""How long after `expires_at` a report may still be on its way (W9): a delivery of 5 s, retries of
32 s, and the same again for the report, with some seconds for clocks that differ."""
REMINDER_TIMEOUT = timedelta(seconds=30)
"""How long a station has for the last question before it is given up (W10)."""
FIRST_CHECKS = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40))
CHECK_PERIOD = timedelta(seconds=60)
"""When the sweep looks at an open order: at these ages, and then once a period (W8)."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing will change any more (W12)."""


@dataclass(frozen=True, slots=True)
class CreateTombstone:
    """No order was saved: see to it that none will be (W12)."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Every report is final: save the order with them. `given_up` are the stations to which
    `cancel` must be published first (W11)."""

    order: Order
    given_up: tuple[Station, ...]


@dataclass(frozen=True, slots=True)
class Remind:
    """Ask these stations again (W8). `is_last`: a station may be given up if it stays silent."""

    order: Order
    stations: tuple[Station, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """These stations never reported and did not answer the last question (W10)."""

    order: Order
    stations: tuple[Station, ...]


Action = Done | CreateTombstone | Settle | Remind | GiveUp


def next_action(
    record: OrderDocument | None, reports: Reports, now: datetime, asked: datetime | None
) -> Action:
    """What has to be done about what stands under an order's id. `asked` is when the last question
    was confirmed, if it was asked."""
    if record is None:
        return CreateTombstone()
    if isinstance(record, Tombstone) or record.settled is not None:
        return Done()
    if not (still_open := unfinished_stations(record, reports)):
        final = tuple(reports[station] for station in record.stations)
        given_up_ = tuple(report.station for report in final if report.gave_up)
        return Settle(replace(record, settled=final), given_up_)
    silent = tuple(station for station in still_open if station not in reports)
    is_last = bool(silent) and now > record.expires_at + GRACE_PERIOD
    if is_last and asked is not None and now >= asked + REMINDER_TIMEOUT:
        return GiveUp(record, silent)
    return Remind(record, still_open, is_last)


def next_check(record: Order, now: datetime, asked: datetime | None) -> datetime:
    """When the sweep looks at an open order again (W8)."""
    age = now - record.placed_at
    for first in FIRST_CHECKS:
        if age < first:
            # At most a period, if the order was placed while a clock was ahead.
            regular = min(record.placed_at + first, now + CHECK_PERIOD)
            break
    else:
        last = FIRST_CHECKS[-1]
        regular = record.placed_at + last + CHECK_PERIOD * ((age - last) // CHECK_PERIOD + 1)
    if asked is not None:
        return min(regular, max(asked + REMINDER_TIMEOUT, now))
    due = record.expires_at + GRACE_PERIOD + timedelta(milliseconds=1)
    return min(regular, due) if now < due else regular
