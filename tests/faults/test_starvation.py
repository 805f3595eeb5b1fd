"""The short form of what starves a shop. `make faults CASE=…` is the whole of each."""

from tests.faults import stalls, starvation
from tests.faults.run import Run
from tests.faults.test_short import holds


def test_the_apis_stand_still_and_go_on(run: Run) -> None:
    holds(stalls.stalls(run, times=2))


def test_bodies_that_never_come(run: Run) -> None:
    holds(starvation.held_bodies(run, seconds=4))


def test_boards_that_nobody_reads(run: Run) -> None:
    holds(starvation.quiet_streams(run))


def test_many_boards(run: Run) -> None:
    holds(starvation.boards(run, clients=100, seconds=15))


def test_events_of_a_newer_version(run: Run) -> None:
    holds(starvation.newer_versions(run, seconds=8))
