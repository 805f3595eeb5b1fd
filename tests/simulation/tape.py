"""Every choice of a run, in the order in which it was made.

A seed fills the tape; a recorded tape plays the same run again. 0 is always the harmless choice,
so that a tape is made simpler by zeros and by cutting its end off.
"""

import random
from collections.abc import Sequence


class Tape:
    def __init__(self, seed: int | None = None, recorded: Sequence[int] = ()) -> None:
        self._random = random.Random(seed) if seed is not None else None
        self._recorded = recorded
        self.choices: list[int] = []

    def draw(self, below: int) -> int:
        """A whole number from 0 up to but without `below`."""
        position = len(self.choices)
        if self._random is not None:
            value = int(self._random.random() * below)
        elif position < len(self._recorded):
            value = self._recorded[position] % below
        else:
            value = 0
        self.choices.append(value)
        return value

    def chance(self, rate: float) -> bool:
        """True in `rate` of the cases; a rate of 0 uses no choice."""
        return rate > 0 and self.draw(1000) >= 1000 * (1 - rate)
