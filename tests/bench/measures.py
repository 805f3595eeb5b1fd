"""What a benchmark found: ours and something else side by side, their ratio, and the target."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One value a round: the median counts, and how far the rounds were apart is told."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.samples), max(self.samples)


def figure(samples: float | Iterable[float]) -> Figure:
    return Figure((samples,) if isinstance(samples, int | float) else tuple(samples))


@dataclass(frozen=True)
class Target:
    """What the ratio, or without an `other` the figure itself, has to be."""

    at_least: bool
    bound: float

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def is_near(self, value: float, recorded: float, share: float) -> bool:
        """Whether the value is at most `share` worse than what was recorded."""
        return value >= recorded * share if self.at_least else value <= recorded / share


def at_least(bound: float) -> Target:
    return Target(True, bound)


def at_most(bound: float) -> Target:
    return Target(False, bound)


@dataclass(frozen=True)
class Measure:
    """`other_is` names what `other` is of."""

    name: str
    unit: str
    ours: Figure
    other: Figure | None = None
    other_is: str = ""
    target: Target | None = None

    @property
    def key(self) -> str:
        """What it is known by when it is measured again."""
        return f"{self.name} ÷ {self.other_is}"

    @property
    def ratio(self) -> float | None:
        """Ours ÷ other's, of the medians; None without another, or where that is nothing."""
        if self.other is None or not self.other.median:
            return None
        return self.ours.median / self.other.median

    @property
    def is_met(self) -> bool | None:
        if self.target is None:
            return None
        value = self.ours.median if self.other is None else self.ratio
        return value is not None and self.target.is_met(value)

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": self.name,
            "unit": self.unit,
            "ours": self.ours.median,
            "oursSpread": self.ours.spread,
            "other": self.other.median if self.other else None,
            "otherSpread": self.other.spread if self.other else None,
            "otherIs": self.other_is or None,
            "ratio": self.ratio,
            "target": str(self.target) if self.target else None,
            "met": self.is_met,
        }


def worse(measures: Sequence[Measure], recorded: dict[str, float], share: float) -> list[str]:
    """What is more than `share` worse than recorded, in words."""
    found = []
    for each in measures:
        if each.target is None or each.ratio is None or each.key not in recorded:
            continue
        before = recorded[each.key]
        if not each.target.is_near(each.ratio, before, share):
            found.append(f"{each.key} is {each.ratio:.2f}, and {before:.2f} was recorded")
    return found
