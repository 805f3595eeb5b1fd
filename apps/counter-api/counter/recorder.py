"""Stations' reports, as the counter stores them: each beside its order.

W1 to W17 are the workflow's rules (docs/workflow.md).
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from coffeeshop.clocks import Differences
from coffeeshop.contracts import StationAnswered
from coffeeshop.events import Delivered
from coffeeshop.logs import Log, tracing
from coffeeshop.topics import CANCELLED
from coffeeshop.transport import ServiceUnavailable
from counter import order as rules
from counter.announce import StationEvents
from counter.documents import Order, Report
from counter.orders import Orders, report_key


class Recorder:
    def __init__(
        self,
        orders: Orders,
        stations: StationEvents,
        now: Callable[[], datetime],
        pause: Callable[[], Awaitable[None]],
        log: Log,
    ) -> None:
        """`now` is to the millisecond. `pause` keeps writers of one report apart."""
        self._orders = orders
        self._stations = stations
        self._now = now
        self._pause = pause
        self._log = log
        self._differences = Differences(log)

    async def record(self, events: Sequence[Delivered[StationAnswered]]) -> None:
        """Store the reports: one save in the usual case, and no read (W4, W7). Raises
        `ServiceUnavailable` to get all of them again."""
        now = self._now()
        for each in events:
            self._differences.sent(f"{each.event.station}-api", each.sent_at, now)
        new = {
            report_key(each.event.orderId, each.event.station): (each, report)
            for each, report in rules.newest(events, now)
        }
        there = await self._orders.reports.create_all({key: r for key, (_, r) in new.items()})
        for key, (each, report) in new.items():
            if key not in there:
                raise ServiceUnavailable("The store did not confirm.")
            with tracing(each.trace):
                if there[key] == report:
                    self._log_report(each.event)
                elif rules.newer(there[key], report) is None:
                    await self._not_newer(there[key], each.event, report)
                else:
                    await self._replace(key, each.event, report)

    async def _replace(self, key: str, event: StationAnswered, report: Report) -> None:
        """Lay a report over the one that is stored, if it is newer."""

        def lay_over(stored: Report | None) -> Report | None:
            if stored is None:
                raise ServiceUnavailable("The store did not confirm.")
            return rules.newer(stored, report)

        before, after = await self._orders.reports.change(key, lay_over, self._pause)
        if before is None or after is not before:
            self._log_report(event)
        else:
            await self._not_newer(before, event, report)

    async def _not_newer(self, stored: Report, event: StationAnswered, report: Report) -> None:
        if not rules.contradicts(stored, report):
            return
        self._log("report.late", level="warning", orderId=event.orderId, station=event.station)
        if stored.gave_up and not report.final:
            # W11: the station still works on what was given up.
            record = await self._orders.records.get(event.orderId)
            if record is not None and isinstance(record.value, Order):
                await self._stations.tell(record.value, (event.station,), CANCELLED)

    def _log_report(self, event: StationAnswered) -> None:
        self._log("order.updated", orderId=event.orderId, station=event.station, final=event.final)
