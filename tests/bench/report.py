"""The table, as it is printed and as docs/performance.md has it."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.bench.environment import QUIET
from tests.bench.measures import Figure, Measure, at_most, figure
from tests.bench.parts import Results

_HEADS = ("measure", "ours", "other", "of", "target", "met", "ours ÷ other")
_PLACE = re.compile(r"(<!-- make bench -->\n).*?(<!-- until here -->)", re.DOTALL)


def measures(found: Results) -> list[Measure]:
    """All that was found, and first of all whether the machine was free for it."""
    name = "processors busy with something else before or after a part, at most"
    return [Measure(name, "%", figure(max(found.busy)), target=at_most(QUIET)), *found.measures]


def table(about: Sequence[tuple[str, str]], found: Results) -> str:
    """The environment's lines, then a line for each measure, with the range of its rounds."""
    rows = [_HEADS, *(_row(each) for each in measures(found))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    label = max(len(name) for name, _ in about)
    lines = [f"{name:{label}}  {value}" for name, value in (*about, ("quiet", _quiet(found)))]
    lines.append("")
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _quiet(found: Results) -> str:
    shares = ", ".join(f"{share:.0f}" for share in found.busy)
    said = f"{shares} % of the processors were busy before and after the parts"
    if max(found.busy) <= QUIET:
        return f"{said}: nothing else ran"
    return f"{said}: SOMETHING ELSE RAN, and the figures are not to be trusted"


def write(document: Path, table: str) -> None:
    """Put the table between the document's marks. Raises `ValueError` where they are missing."""
    text, count = _PLACE.subn(
        lambda found: f"{found[1]}```text\n{table}\n```\n{found[2]}", document.read_text()
    )
    if count != 1:
        raise ValueError(f"{document} has no place for the table")
    document.write_text(text)


def _row(measure: Measure) -> tuple[str, ...]:
    ratio, met = measure.ratio, measure.is_met
    return (
        f"{measure.name}, {measure.unit}" if measure.unit else measure.name,
        _figure(measure.ours),
        _figure(measure.other) if measure.other else "",
        measure.other_is,
        str(measure.target) if measure.target else "",
        "" if met is None else "yes" if met else "no",
        "" if ratio is None else f"{ratio:.2f}",
    )


def _figure(figure: Figure) -> str:
    low, high = figure.spread
    median = _number(figure.median)
    return median if low == high else f"{median} ({_number(low)} to {_number(high)})"


def _number(value: float) -> str:
    """Three significant digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"
