"""The fault suite's short form. `make faults` is the whole of it, with a table."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from scripts.stack import runtime
from tests.faults import crash_points, deliveries, outages, points
from tests.faults.audit import CaseResult
from tests.faults.run import Run


def holds(verdicts: Iterable[CaseResult]) -> None:
    """Every row of the table holds, and is about orders that really were placed."""
    for result in verdicts:
        print(result.row())
        assert not result.broken, result.row()
        assert result.acknowledged, result.row()


def test_processes_killed_one_after_the_other(run: Run) -> None:
    """G1 to G6, G16, by the audit of every order."""
    holds([outages.kill_in_turn(run, ("counter-api", "barista-sidecar", "valkey", "kitchen-api"))])


def test_everything_killed_at_once(run: Run) -> None:
    """G1 to G6, G16; W15: records and index are on the disk."""
    holds(outages.kill_everything(run))


def test_broker_and_store_away(run: Run) -> None:
    """G13: every post is refused quickly."""
    holds(outages.store_away(run))


@pytest.mark.skipif(
    runtime.chosen() == "spin",
    reason="on Spin the other three end with the counter, and refuse the next order at its menu",
)
def test_the_counter_ended_between_its_calls(run: Run, tmp_path: Path) -> None:
    """G2, G8: an order is as far as its last confirmed call."""
    with points.behind_proxy(tmp_path, run.stack.ports.offset - 1_000) as shop:
        holds(crash_points.placing(shop, ("save index all", "save order", "publish kitchen")))
        holds(crash_points.submitted(shop))


def test_a_station_away(run: Run) -> None:
    """G2, W8: asked for at most seven times in five minutes."""
    # On Spin all four APIs are one process, which no order is taken without.
    name = "kitchen-sidecar" if runtime.chosen() == "spin" else "kitchen-api"
    holds([outages.away(run, name)])


def test_reports_at_the_same_moment(run: Run) -> None:
    """G3, G15."""
    holds(deliveries.same_moment(run, orders=60))


def test_events_delivered_again(run: Run) -> None:
    """G12."""
    holds(deliveries.redelivered(run, orders=10))


def test_poison(run: Run) -> None:
    """G12, G14."""
    holds(deliveries.poison(run))


def test_more_than_can_be_taken(run: Run) -> None:
    """G13, G14."""
    holds(outages.overload(run))


def test_everything_is_settled(run: Run) -> None:
    """G2, G11, W15: after all of the above every order is settled and in the index."""
    holds([run.auditor.settled()])
