"""Making a failing tape simpler while it fails in the same way."""

import re
import time
from collections.abc import Sequence

from tests.simulation.shop import Run
from tests.simulation.tape import Tape
from tests.simulation.world import Violation


def failure(choices: Sequence[int]) -> str | None:
    """What is violated on this tape, or None."""
    try:
        Run(Tape(recorded=choices)).play()
    except Violation as violation:
        return str(violation)
    return None


def kind(text: str) -> str:
    """Which invariant it is, without ids and what comes after: two such failures are one."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}(-\d+)?", "…", text.partition(";")[0])
    return re.sub(r"\d\d+|\[.*", "", text)


def shrink(choices: Sequence[int], *, seconds: float = 30) -> list[int]:
    """The simplest tape that was found in that time: shorter first, then more zeros."""
    until = time.monotonic() + seconds
    first = failure(choices)
    if first is None:
        raise ValueError("this tape does not fail")
    wanted, best = kind(first), _without_end(choices)

    def improves(candidate: list[int]) -> bool:
        nonlocal best
        candidate = _without_end(candidate)
        if _size(candidate) >= _size(best) or time.monotonic() > until:
            return False
        found = failure(candidate)
        if found is None or kind(found) != wanted:
            return False
        best = candidate
        return True

    while time.monotonic() < until:
        before = best
        length = len(best)
        while length > 1 and time.monotonic() < until:  # the end
            length //= 2
            while len(best) > length and improves(best[:-length]):
                pass
        width = len(best)
        while width >= 1 and time.monotonic() < until:  # whole parts: to zero, or away
            at = len(best) - width
            while at >= 0 and time.monotonic() < until:
                zeros = [*best[:at], *[0] * width, *best[at + width :]]
                if not improves(zeros):
                    improves([*best[:at], *best[at + width :]])
                at -= width
            width //= 2
        for at in range(len(best)):  # single choices: nearer to zero
            for value in (best[at] // 2, best[at] - 1) if at < len(best) and best[at] else ():
                improves([*best[:at], value, *best[at + 1 :]])
        if best == before:
            break
    return best


def _without_end(choices: Sequence[int]) -> list[int]:
    """Zeros at the end say nothing: a tape that is over gives zeros."""
    end = len(choices)
    while end and choices[end - 1] == 0:
        end -= 1
    return list(choices[:end])


def _size(choices: Sequence[int]) -> tuple[int, int]:
    return len(choices) - choices.count(0), len(choices) + sum(choices)
