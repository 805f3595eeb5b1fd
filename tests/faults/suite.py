"""The fault suite: the table of its cases, and how they are run.

Each breaks something, mends it, and audits every order; it yields a row for the table.
"""

from collections.abc import Callable, Iterator, Sequence

from scripts.base.console import say
from tests.faults import by_staff, clocks, crash_points, deliveries, outages, stalls, starvation
from tests.faults.audit import CaseResult
from tests.faults.run import Run

Case = Callable[[Run], Iterator[CaseResult]]

SUITE: dict[str, Case] = {
    "kill-each": outages.kill_each,
    "kill-pairs": outages.kill_pairs,
    "kill-everything": outages.kill_everything,
    "kill-in-sweeps": outages.kill_in_sweeps,
    "station-away": outages.station_away,
    "store-away": outages.store_away,
    "crash-placing": crash_points.case(
        crash_points.placing, crash_points.submitted, crash_points.held_saves
    ),
    "crash-sweep": crash_points.case(crash_points.sweeping, crash_points.many_at_once),
    "crash-giving-up": crash_points.case(
        crash_points.giving_up, order_deadline_seconds=str(crash_points.DEADLINE)
    ),
    "by-staff": by_staff.kills,
    "same-moment": deliveries.same_moment,
    "redelivered": deliveries.redelivered,
    "poison": deliveries.poison,
    "overload": outages.overload,
    "stalls": stalls.stalls,
    "held-bodies": starvation.held_bodies,
    "unread-streams": starvation.unread_streams,
    "boards": starvation.boards,
    "newer-versions": starvation.newer_versions,
    "clocks": clocks.clocks,
    "settled": lambda run: iter([run.auditor.settled()]),
}
"""The last one is about all orders of the others."""


def play(run: Run, names: Sequence[str]) -> list[CaseResult]:
    """Run the cases of these names and print a row for each as it ends."""
    run.sell_out()
    print(CaseResult.head(), flush=True)
    verdicts = []
    for name in names:
        say(f"{name} …")
        for result in SUITE[name](run):
            print(result.row(), flush=True)
            verdicts.append(result)
    return verdicts
