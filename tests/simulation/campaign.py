"""Many schedules, one seed each: progress, what they reached, and the first that fails.

make simulate                    2,000 schedules on a fresh seed
make simulate MINUTES=15         as many as fit
make simulate SEED=7 RUNS=1      that schedule again
make simulate TAPE=path.json     a recorded tape, with everything that happens on it
make simulate MUTANT="no tombstone"   with a mutant: see it being found
make simulate EXHAUSTIVE=1       first the worked example under all single and paired crashes
"""

import argparse
import contextlib
import gc
import json
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulation.exhaustive import explore
from tests.simulation.mutants import Mutant, mutant_named, mutated
from tests.simulation.shop import OUTAGES, Run
from tests.simulation.shrink import failure, shrink
from tests.simulation.tape import Tape
from tests.simulation.world import FAULTS, Violation

RUNS = 2_000
COLLECT_EVERY = 1_000
"""Runs between two collections of garbage: few of their cycles are left."""
STATES = (
    "not saved",
    "PLACED",
    "IN_PROGRESS",
    "FULFILLED",
    "FAILED",
    "CANCELLED",
    "settled",
    "abandoned",
    "-",
)
CHECKOUT = Path(__file__).resolve().parents[2]
FOUND = CHECKOUT / ".coffeeshop" / "simulation"


@dataclass
class Tally:
    """What the schedules reached."""

    schedules: int = 0
    orders: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    visited: Counter[tuple[str, str]] = field(default_factory=Counter)
    crashed: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)

    def add(self, run: Run) -> None:
        self.schedules += 1
        invariants = run.shop.invariants
        self.orders += sum(record["kind"] == "order" for record in invariants.records.values())
        self.fired.update(run.world.fired)
        self.visited.update(run.world.visited)
        self.crashed.update(run.world.crash_points)
        self.events.update(invariants.events)
        self.answers.update(invariants.answers_told)


class FailingSchedule(Exception):
    """A schedule that violates an invariant."""

    def __init__(self, seed: int, choices: list[int], text: str) -> None:
        super().__init__(text)
        self.seed = seed
        self.choices = choices
        self.text = text


def schedules(
    seeds: Iterable[int], tally: Tally, *, after_each: Callable[[], None] = lambda: None
) -> None:
    """Play the seeds. Raises `FailingSchedule` at the first that fails."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for number, seed in enumerate(seeds):
            tape = Tape(seed)
            run = Run(tape)
            try:
                run.play()
            except Violation as violation:
                raise FailingSchedule(seed, tape.choices, str(violation)) from None
            tally.add(run)
            run.shop.forget()
            if number % COLLECT_EVERY == COLLECT_EVERY - 1:
                gc.collect()
            after_each()
    finally:
        gc.enable()
        gc.unfreeze()


def known_events() -> set[str]:
    """Every event that the APIs can log: read from their source."""
    sources = (CHECKOUT / "apps").rglob("*.py")
    texts = [path.read_text() for path in sources]
    pattern = re.compile(r'log\(\s*"([\w.]+)"(?: if [\w.]+ else "([\w.]+)")?')
    return {name for text in texts for match in pattern.findall(text) for name in match if name}


def report(tally: Tally, seconds: float, cpu_seconds: float) -> str:
    lines = [
        f"{tally.schedules:,} schedules with {tally.orders:,} orders in {seconds:.0f} s, "
        f"{cpu_seconds:.0f} s of them on the processor",
        f"{tally.schedules / seconds * 60:,.0f} schedules a minute, "
        f"{tally.orders / seconds:,.0f} orders a second; of processor time "
        f"{tally.schedules / cpu_seconds * 60:,.0f} and {tally.orders / cpu_seconds:,.0f}",
        "",
        "Crashes by point and state of the order (. never stood there in that state)",
        *_table(tally),
        "",
        "Faults that fired",
        *(f"{count:12,}  {name}" for name, count in sorted(tally.fired.items())),
        "",
        "What the APIs logged",
        *(f"{count:12,}  {name}" for name, count in sorted(tally.events.items())),
        "",
        "What a POS was answered",
        *(f"{count:12,}  {status}" for status, count in sorted(tally.answers.items())),
        "",
        "Never reached",
        *(f"              {each}" for each in _never(tally) or ["nothing: all of it was"]),
    ]
    return "\n".join(lines)


def _table(tally: Tally) -> list[str]:
    places = sorted({place for place, _ in tally.visited})
    width = max((len(place) for place in places), default=0)
    lines = [" " * width + "".join(f"{state:>13}" for state in STATES)]
    for place in places:
        cells = [
            f"{tally.crashed[place, state]:,}" if tally.visited[place, state] else "."
            for state in STATES
        ]
        lines.append(f"{place:{width}}" + "".join(f"{cell:>13}" for cell in cells))
    return lines


def _never(tally: Tally) -> list[str]:
    return [
        *(f"the fault: {each}" for each in (*FAULTS, *OUTAGES) if not tally.fired[each]),
        *(f"the log line: {each}" for each in sorted(known_events() - set(tally.events))),
        *(f"the answer: {each}" for each in (201, 409, 422, 429, 503) if not tally.answers[each]),
        *_uncrashed(tally),
    ]


def _uncrashed(tally: Tally) -> list[str]:
    places: dict[str, list[str]] = {}
    for (place, state), count in sorted(tally.visited.items()):
        if count and not tally.crashed[place, state]:
            places.setdefault(place, []).append(f"{state} (of {count:,})")
    return [f"a crash at: {place}: {', '.join(states)}" for place, states in places.items()]


def trace(choices: list[int]) -> str:
    """Who did what when on this tape, and what is violated in the end."""
    run = Run(Tape(recorded=choices), tracing=True)
    end = "No invariant is violated."
    try:
        run.play()
    except Violation as violation:
        end = f"Violated: {violation}"
    return "\n".join([*(run.world.trace or []), "", end])


def save(folder: Path, name: str, choices: list[int], **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**more, "choices": choices}) + "\n")
    return path


def load(path: Path) -> list[int]:
    choices: list[int] = json.loads(path.read_text())["choices"]
    return choices


class _Progress:
    def __init__(self, tally: Tally, until: float | None, runs: int) -> None:
        self._tally = tally
        self._begin = self._shown = time.monotonic()
        self._cpu = time.process_time()
        self._until = until
        self._runs = runs

    @property
    def cpu_seconds(self) -> float:
        return time.process_time() - self._cpu

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def __call__(self) -> None:
        now = time.monotonic()
        pause = 0.5 if sys.stdout.isatty() else 20
        if now - self._shown < pause:
            return
        self._shown = now
        tally, seconds = self._tally, now - self._begin
        left = f"{self._until - now:.0f} s left" if self._until else f"of {self._runs:,}"
        text = (
            f"{tally.schedules:,} schedules ({left}), {tally.schedules / seconds * 60:,.0f} "
            f"a minute, {tally.orders / seconds:,.0f} orders a second"
        )
        print(f"\r{text} " if sys.stdout.isatty() else text, end="", flush=True)
        print("", end="" if sys.stdout.isatty() else "\n", flush=True)


def main() -> None:
    options = _options()
    with contextlib.ExitStack() as stack:
        if options.mutant:
            stack.enter_context(mutated(options.mutant))
        sys.exit(_run(options))


def _run(options: argparse.Namespace) -> int:
    """The exit status."""
    if options.tape:
        choices = load(options.tape)
        print(trace(choices))
        return 1 if failure(choices) else 0
    seed = options.seed if options.seed is not None else secrets.randbelow(10**9)
    until = time.monotonic() + options.minutes * 60 if options.minutes else None
    runs = options.runs or (10**12 if until else RUNS)
    print(f"Seed {seed}: schedule n has the seed {seed} + n.", flush=True)
    if options.exhaustive:
        print(explore(say=lambda text: print(text, flush=True)))
    tally = Tally()
    progress = _Progress(tally, until, runs)

    def seeds() -> Iterable[int]:
        for each in range(seed, seed + runs):
            if until and time.monotonic() > until:
                return
            yield each

    try:
        schedules(seeds(), tally, after_each=progress)
    except FailingSchedule as found:
        _tell(found, f' MUTANT="{options.mutant.name}"' if options.mutant else "")
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.")
    print("\n" + report(tally, progress.seconds, progress.cpu_seconds))
    return 0


def _tell(found: FailingSchedule, more: str) -> None:
    print(f"\nSeed {found.seed} violates {found.text}\nMaking its tape simpler …", flush=True)
    choices = shrink(found.choices)
    path = save(FOUND, f"seed-{found.seed}", choices, violates=found.text)
    print(trace(choices))
    print(f"\nAgain, simplified: make simulate TAPE={path.relative_to(CHECKOUT)}{more}")
    print(f"As it was found:   make simulate SEED={found.seed} RUNS=1{more}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--tape", type=Path)
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--mutant", type=_plant)
    return parser.parse_args()


def _plant(name: str) -> Mutant:
    try:
        return mutant_named(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
