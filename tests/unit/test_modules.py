"""Modules are small, and no six lines of code stand twice."""

from collections import defaultdict
from pathlib import Path

from scripts.base.checkout import CHECKOUT

LONGEST = 300
"""Lines of a module."""
RUN = 6
"""Lines that may not be repeated: fewer are an idiom, not a copy."""


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers: no blank ones, comments or imports."""
    numbered = enumerate(path.read_text().splitlines(), 1)
    return [
        (number, line.strip())
        for number, line in numbered
        if line.strip() and not line.strip().startswith(("#", "from ", "import "))
    ]


def test_no_six_lines_of_code_stand_twice() -> None:
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for folder in ("apps", "scripts"):
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            lines = _lines(path)
            for start in range(len(lines) - RUN + 1):
                run = lines[start : start + RUN]
                key = tuple(line for _, line in run)
                if sum(len(line) > 3 for line in key) == RUN:  # brackets alone are no copy
                    places[key].append(f"{path.relative_to(CHECKOUT)}:{run[0][0]}")
    assert [found for found in places.values() if len(found) > 1] == []


def test_a_module_of_the_apps_fits_on_a_few_screens() -> None:
    modules = (CHECKOUT / "apps").rglob("*.py")
    lengths = {path: len(path.read_text().splitlines()) for path in modules}
    assert {path.name: length for path, length in lengths.items() if length > LONGEST} == {}
