"""The short form of `make simulate`, and what it rests on: one tape, one run."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.campaign import (
    FailingSchedule,
    Tally,
    known_events,
    load,
    report,
    schedules,
    trace,
)
from tests.simulation.loop import GuestLoop
from tests.simulation.mutants import mutant_named, mutated
from tests.simulation.shop import Run
from tests.simulation.shrink import failure, kind, shrink
from tests.simulation.tape import Tape
from tests.simulation.world import FAULTS

RUNS = 800
TAPES = sorted((Path(__file__).parent / "tapes").glob("*.json"))
CHECKOUT = Path(__file__).parents[2]


def digest(seeds: range) -> str:
    """Of everything that happens on these seeds."""
    found = hashlib.sha256()
    for seed in seeds:
        run = Run(Tape(seed), tracing=True)
        run.play()
        found.update("\n".join(run.world.trace or []).encode())
    return found.hexdigest()


def test_the_first_schedules_violate_nothing() -> None:
    """A test fails because of what changed, not by itself: the seeds are fixed here, and
    `make simulate` draws fresh ones."""
    tally = Tally()
    schedules(range(RUNS), tally)
    assert tally.orders > RUNS
    never = [fault for fault in FAULTS if not tally.fired[fault]]
    assert never in ([], ["dead letter is lost"])
    text = report(tally, 10, 10)
    assert f"{RUNS:,} schedules" in text
    assert "Never reached" in text


def test_a_seed_is_one_run_whatever_the_hash_seed() -> None:
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from tests.simulation.test_schedules import digest\n"
        "print(digest(range(40)))"
    )

    def started(hash_seed: str) -> "subprocess.Popen[str]":
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program]
        return subprocess.Popen(command, env=env, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)

    runs = [started("1"), started("4242")]
    digests = {run.communicate(timeout=120)[0] for run in runs}
    assert digests == {digest(range(40)) + "\n"}


def test_a_recorded_tape_plays_the_same_run() -> None:
    tape = Tape(11)
    first = Run(tape, tracing=True)
    first.play()
    again = Run(Tape(recorded=tape.choices), tracing=True)
    again.play()
    assert again.world.trace == first.world.trace


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path: Path) -> None:
    assert failure(load(path)) is None


def test_a_failing_tape_becomes_simple_and_tells_the_story() -> None:
    with mutated(mutant_named("a tombstone's conflict is taken for done")):
        with pytest.raises(FailingSchedule) as found:
            schedules(range(1_003_400, 1_004_400), Tally())
        simple = shrink(found.value.choices, seconds=5)
        told = trace(simple)
        assert kind(failure(simple) or "") == kind(found.value.text)
    chosen = len([choice for choice in simple if choice])
    assert chosen < len([choice for choice in found.value.choices if choice])
    assert "POS" in told
    assert "POST state/counter-store" in told
    assert "Violated: G11" in told


def test_the_known_log_lines_are_read_from_the_source() -> None:
    assert {"order.placed", "item.made", "item.failed", "order.abandoned"} <= known_events()


async def sleeps() -> None:
    await asyncio.sleep(1)


async def races_against_time() -> None:
    await asyncio.wait_for(asyncio.get_running_loop().create_future(), 1)


@pytest.mark.parametrize("wait", [sleeps, races_against_time])
def test_the_loop_has_no_timers_as_in_the_guest(
    wait: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    loop = GuestLoop()  # type: ignore[abstract] # typeshed's has no bodies, asyncio's has
    task = loop.create_task(wait())
    loop.run_ready()
    with pytest.raises(NotImplementedError):
        task.result()
