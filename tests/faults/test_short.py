"""The fault suite's short form. `make faults` is the whole of it, with a table."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from scripts import runtime
from tests.faults import crash_points, deliveries, outages, points
from tests.faults.audit import Verdict
from tests.faults.run import Run


def holds(verdicts: Iterable[Verdict]) -> None:
    """Every row of the table holds, and is about orders that really were placed."""
    for verdict in verdicts:
        print(verdict.row())
        assert not verdict.broken, verdict.row()
        assert verdict.acknowledged, verdict.row()


def test_processes_killed_one_after_the_other(run: Run) -> None:
    holds([outages.kill_in_turn(run, ("counter-api", "barista-sidecar", "valkey", "kitchen-api"))])


def test_everything_killed_at_once(run: Run) -> None:
    holds(outages.kill_everything(run))


def test_broker_and_store_away(run: Run) -> None:
    holds(outages.store_away(run))


@pytest.mark.skipif(
    runtime.chosen() == "spin",
    reason="on Spin the other three end with the counter, and refuse the next order at its menu",
)
def test_the_counter_ended_between_its_calls(run: Run, tmp_path: Path) -> None:
    with points.behind_proxy(tmp_path, run.stack.ports.offset - 1_000) as shop:
        holds(crash_points.placing(shop, ("save index all", "save order", "publish kitchen")))
        holds(crash_points.submitted(shop))


def test_a_station_away(run: Run) -> None:
    holds([outages.away(run, "kitchen-api")])


def test_reports_at_the_same_moment(run: Run) -> None:
    holds(deliveries.same_moment(run, orders=60))


def test_events_delivered_again(run: Run) -> None:
    holds(deliveries.redelivered(run, orders=10))


def test_poison(run: Run) -> None:
    holds(deliveries.poison(run))


def test_more_than_can_be_taken(run: Run) -> None:
    holds(outages.overload(run))


def test_everything_is_settled(run: Run) -> None:
    """After all of the above."""
    holds([run.auditor.settled()])
