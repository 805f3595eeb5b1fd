"""Tickets on the wire: what a station's staff see of an order, and what they say."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AwareDatetime, Field

from coffeeshop.contracts import MAX_ITEMS, Command, Document, MadeItem, StationAnswered
from coffeeshop.fields import Name
from coffeeshop.operation import Parameter

STATES = ("open", "closed", "current")
"""Which tickets a page has; the current ones are the open ones, and those that have just ended."""
STATE = Parameter("state", {"type": "string", "enum": list(STATES), "default": STATES[0]})
IF_MATCH = Parameter(
    "If-Match", {"type": "string"}, "The ETag of the ticket that the caller saw", place="header"
)


class TicketItem(MadeItem):
    """An item, and who of the staff started and ended it."""

    startedBy: str | None = None
    endedBy: str | None = None


class Ticket(StationAnswered):
    """A station's record of an order: what is stored, and, without the persons, reported.
    `answeredAt` is its last change. Staff have taken it up at `acceptedAt`; it is null where the
    station made at once, and where the order was cancelled before it came."""

    items: tuple[TicketItem, ...]
    placedAt: AwareDatetime | None = None
    acceptedAt: AwareDatetime | None = None
    number: int | None = None
    name: str | None = None


class AgeLimits(Document):
    """Seconds after `placedAt` from which a ticket is slow, and late."""

    slow: int
    late: int


class TicketPage(Document):
    """Tickets: open ones oldest first, closed ones newest first. `next` is the cursor of the page
    after this one, if there is one. Not `byStaff`: the station makes at once, and what is ordered
    now has no ticket that staff take up."""

    tickets: tuple[Ticket, ...]
    next: str | None
    limits: AgeLimits
    byStaff: bool = True

    def with_written(self, tickets: Iterable[bytes]) -> bytes:
        """The page as the wire has it, with these tickets, which are JSON already."""
        rest = self.model_copy(update={"tickets": ()})
        return rest.to_json().replace(b"[]", b"[%s]" % b",".join(tickets), 1)


class Tap(Command):
    """What staff did to items of a ticket; without `items` to all of it that has not ended. `by`
    is the name that somebody gave at the screen."""

    items: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    by: Name


class FailTap(Tap):
    """Items that cannot be made, and why."""

    reason: Name


class CloseDay(Command):
    """Everything that is open ends, for this reason."""

    by: Name
    reason: Name


class DayClosed(Document):
    """How many tickets were ended. While some are `open`, close again."""

    ended: int
    open: int


class Spread(Document):
    """Seconds: half of the tickets took at most `p50`, nine of ten at most `p90`."""

    p50: float
    p90: float


class Times(Document):
    """How long tickets took that were taken up since then. Null where none got so far."""

    since: AwareDatetime
    tickets: int
    placedToStarted: Spread | None
    startedToReady: Spread | None
    placedToReady: Spread | None
