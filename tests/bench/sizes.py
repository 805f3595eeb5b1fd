"""What has to be stored and moved: the components, and whole images beside the peer's.

The peer's image is counted by its files, as python-slim would have them: the packages that every
Debian has (on a machine that is none, nothing), Python's interpreter with its library, and the
distributions that the peer imports, with all that they need. Counted in its favour: no pip, no
tests of the library, no compiled files, no libraries of Debian's beside the required ones.
"""

import re
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from scripts.build import images, wasm
from tests.bench import debian
from tests.bench.measures import Measure, at_most, figure

MB = 1e6
PEER = ("aiohttp", "fastapi", "httptools", "pydantic", "uvicorn", "uvloop")
UNNEEDED = {"test", "idlelib", "turtledemo", "tkinter", "ensurepip", "site-packages", "__pycache__"}


def measure() -> Iterator[Measure]:
    for world, what in (("spin", "for Spin"), ("portable", "portable"), ("aot", "compiled")):
        sizes = [path.stat().st_size / MB for path in wasm.build(world).values()]
        yield Measure(f"size of a component, {what}", "MB", figure(sizes))
    peer = (debian.size() + python() + sum(map(distribution, closure(PEER)))) / MB
    for name in images.NAMES:
        ours = figure(sum(file.stat().st_size for file in images.contexts(name)[1]) / MB)
        label = f"image of all four APIs ({name})"
        target = at_most(0.5)
        yield Measure(label, "MB", ours, figure(4 * peer), "peer's four", target)
        yield Measure(f"{label}, files shared", "MB", ours, figure(peer), "peer's, shared once")


def python() -> int:
    """Bytes of the interpreter and its library."""
    library = Path(sysconfig.get_path("stdlib"))
    files = [
        file
        for file in library.rglob("*")
        if file.is_file()
        and not UNNEEDED & set(file.relative_to(library).parts)
        and not file.name.startswith("libpython")
        and not any(part.startswith("config-") for part in file.relative_to(library).parts)
    ]
    interpreter = Path(sys.executable).resolve()
    shared = Path(sysconfig.get_config_var("LIBDIR") or "") / (
        sysconfig.get_config_var("INSTSONAME") or "none"
    )
    both = [interpreter] + ([shared] if shared.suffix != ".a" and shared.is_file() else [])
    return sum(file.stat().st_size for file in (*files, *both))


def closure(names: tuple[str, ...]) -> set[str]:
    """The distributions that these need, with themselves."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # needed on other systems or versions alone
        found.add(name)
        waiting += [
            re.split(r"[^A-Za-z0-9._-]", need)[0].lower().replace("_", "-")
            for need in needs
            if "extra ==" not in need
        ]
    return found


def distribution(name: str) -> int:
    """Bytes of an installed distribution's files."""
    return sum(
        path.stat().st_size
        for file in metadata.files(name) or []
        if (path := Path(str(file.locate()))).is_file() and path.suffix != ".pyc"
    )
