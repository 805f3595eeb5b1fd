"""The simulation finds faults: each one planted must be found within so many schedules."""

from pathlib import Path

import pytest

from tests.simulation.campaign import FailingSchedule, Tally, load, schedules
from tests.simulation.mutants import MUTANTS, Moved, Mutant, mutated
from tests.simulation.shrink import failure

TAPES = Path(__file__).parent / "tapes"


def name(mutant: Mutant) -> str:
    return mutant.name


@pytest.mark.parametrize("mutant", [each for each in MUTANTS if not each.tape], ids=name)
def test_a_mutant_is_found(mutant: Mutant) -> None:
    with mutated(mutant), pytest.raises(FailingSchedule) as found:
        schedules(range(mutant.first_seed, mutant.first_seed + mutant.within), Tally())
    assert found.value.text.startswith(mutant.finds), found.value.text


@pytest.mark.parametrize("mutant", [each for each in MUTANTS if each.tape], ids=name)
def test_a_fault_that_was_real_is_found_on_its_tape(mutant: Mutant) -> None:
    """If the tape no longer leads there, `make simulate MUTANT=…` finds a new one."""
    choices = load(TAPES / f"{mutant.tape}.json")
    assert failure(choices) is None
    with mutated(mutant):
        assert (failure(choices) or "").startswith(mutant.finds)


def test_a_mutant_whose_source_moved_says_so() -> None:
    with pytest.raises(Moved, match="has this 0 times"):
        mutated(Mutant("moved", "counter.order", (("not there", ""),), ())).__enter__()


def test_no_mutant_stays() -> None:
    schedules(range(20), Tally())
