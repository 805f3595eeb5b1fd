"""Clocks of others: one can be asked for, and those that differ from ours are named in the log.
Which of two is right nobody here can tell.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.transport import Call, NoAnswer, Reply, ServiceUnavailable, Transport

TOLERANCE = timedelta(seconds=5)
"""Clocks that are set over the network differ by less. A `Date` has whole seconds, and comes up to
a second late."""
PERIOD = timedelta(minutes=1)
"""How often another's clock is looked at, and a difference is logged."""


async def clock_of(sidecar: Sidecar, api: str) -> datetime:
    """What another API's clock says, to the second. Raises `ServiceUnavailable`."""
    target = f"/v1.0/invoke/{api}/method/healthz/{api.removesuffix('-api')}"
    try:
        reply = await sidecar.call("GET", target, wants_date=True)
    except NoAnswer as error:
        raise ServiceUnavailable(f"{api} did not answer.") from error
    if reply.status != 204 or reply.date is None:
        raise ServiceUnavailable(f"{api} did not tell the time: {reply.status}.")
    return reply.date


class Differences:
    """Logs that another's clock and ours differ, for each once a minute at most."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._said: dict[str, datetime] = {}

    def seen(self, whose: str, theirs: datetime, now: datetime) -> None:
        """What another's clock says while ours says `now`."""
        ahead = theirs - now
        if abs(ahead) <= TOLERANCE or _is_recent(self._said.get(whose), now):
            return
        self._said[whose] = now
        seconds = round(ahead.total_seconds())
        self._log("clock.differs", level="warning", whose=whose, aheadSeconds=seconds)

    def sent(self, whose: str, sent_at: datetime | None, now: datetime) -> None:
        """When another sent what has just come. It may have waited, so that only what comes from
        the future tells: of two clocks that differ one side sees that."""
        if sent_at is not None and sent_at > now:
            self.seen(whose, sent_at, now)


class ClockWatch:
    """A transport that looks at the clocks of those who answer: of the sidecar, and of each API
    that is called through it."""

    def __init__(
        self, transport: Transport, clock: Callable[[], datetime], differences: Differences
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._differences = differences
        self._looked_at: dict[str, datetime] = {}

    async def send(self, call: Call) -> Reply:
        now = self._clock()
        whose = _answerer(call.target)
        if not call.wants_date and _is_recent(self._looked_at.get(whose), now):
            return await self._transport.send(call)
        self._looked_at[whose] = now
        reply = await self._transport.send(replace(call, wants_date=True))
        if reply.date is not None:
            self._differences.seen(whose, reply.date, self._clock())
        return reply


def _answerer(target: str) -> str:
    """Whose date an answer has: an API's that is called has its own."""
    return target.split("/", 4)[3] if target.startswith("/v1.0/invoke/") else "sidecar"


def _is_recent(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and timedelta(0) <= now - moment < PERIOD
