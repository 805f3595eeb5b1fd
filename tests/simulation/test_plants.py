"""The simulation finds faults: each one planted must be found within so many schedules."""

from pathlib import Path

import pytest

from tests.simulation.campaign import Found, Tally, load, schedules
from tests.simulation.plants import PLANTS, Moved, Plant, planted
from tests.simulation.shrink import failure

TAPES = Path(__file__).parent / "tapes"


def name(plant: Plant) -> str:
    return plant.name


@pytest.mark.parametrize("plant", [each for each in PLANTS if not each.tape], ids=name)
def test_a_planted_fault_is_found(plant: Plant) -> None:
    with planted(plant), pytest.raises(Found) as found:
        schedules(range(plant.first_seed, plant.first_seed + plant.within), Tally())
    assert found.value.text.startswith(plant.finds), found.value.text


@pytest.mark.parametrize("plant", [each for each in PLANTS if each.tape], ids=name)
def test_a_fault_that_was_real_is_found_on_its_tape(plant: Plant) -> None:
    """If the tape no longer leads there, `make simulate PLANT=…` finds a new one."""
    choices = load(TAPES / f"{plant.tape}.json")
    assert failure(choices) is None
    with planted(plant):
        assert (failure(choices) or "").startswith(plant.finds)


def test_a_plant_whose_source_moved_says_so() -> None:
    with pytest.raises(Moved, match="has this 0 times"):
        planted(Plant("moved", "counter.order", (("not there", ""),), ())).__enter__()


def test_nothing_stays_planted() -> None:
    schedules(range(20), Tally())
