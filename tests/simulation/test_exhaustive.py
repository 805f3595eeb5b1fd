"""The worked example under every crash, and under every pair of crashes where all its events come
at once; `make simulate EXHAUSTIVE=1` takes the pairs under every order of events, and by staff."""

from tests.simulation.exhaustive import DELIVERIES, STAFFED, explore, play


def test_each_order_of_events_is_the_one_it_says() -> None:
    seen = {name: play(name, {}).events for name in DELIVERIES}
    short = {"barista_order": "b", "kitchen_order": "k"}
    told = {
        name: ", ".join(
            f"{event.rpartition('_')[2]} {short[event.rpartition('_')[0]]}" for event in events
        )
        for name, events in seen.items()
        if name != "all at once"
    }
    assert told == {name: name for name in told}
    assert len(told) == 6


def test_every_single_crash_under_every_order_of_events() -> None:
    explored = explore(say=print, pairs=False, deliveries=DELIVERIES)
    assert explored.singles > 450


def test_every_single_crash_while_staff_make_and_somebody_cancels() -> None:
    """G16, G18, G19."""
    explored = explore(say=print, pairs=False, deliveries=STAFFED)
    assert explored.singles > 200


def test_every_pair_of_crashes() -> None:
    explored = explore(say=print, deliveries=["all at once"])
    assert explored.pairs > 3_000
