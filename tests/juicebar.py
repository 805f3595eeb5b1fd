"""CONTRIBUTING.md's example, a juice bar, followed to the letter in a copy of the checkout."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from scripts.base.checkout import CHECKOUT
from scripts.stack import listening, resources

IS_COPY = "juicebar" in resources.stations()
"""Whether these tests run in such a copy: they do not make another."""
PORT_OFFSET = 1_000 + listening.port_offset(7_000, "COFFEESHOP_TEST_PORT_OFFSET", 20_000)
"""Of the stacks that the copy's own tests start, beside those of the tests here."""


def made(folder: Path) -> Path:
    """The copy, with the juice bar and its item. It has what git knows here, or would add."""
    copy = folder / "checkout"
    for name in _run(CHECKOUT, "git", "ls-files", "-co", "--exclude-standard").splitlines():
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, copy / name)
    _run(copy, "bash", "-eu", "-c", _section("Adding a station"))
    return copy


def _section(title: str) -> str:
    """The shell blocks of a section of CONTRIBUTING.md, as one script."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    body = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return "\n".join(f"({block})" for block in re.findall(r"```sh\n(.*?)```", body, re.DOTALL))


def changed(copy: Path) -> set[str]:
    """The files of the copy that are not what they are here."""
    here = _files(CHECKOUT)
    return {name for name, content in _files(copy).items() if here.get(name) != content}


def _files(checkout: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(checkout)): path.read_bytes()
        for folder in ("apps", "k8s", "scripts", "tests", "docs", ".")
        for path in (checkout / folder).glob("**/*" if folder != "." else "*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def make(copy: Path, *arguments: str) -> None:
    """Run `make` in the copy. Fails, with what it printed, if that does."""
    _run(copy, "make", *arguments)


def passes(copy: Path, *tests: str) -> None:
    """Run tests of the copy, in the copy. Fails, with what they printed, if one does."""
    _run(copy, "python3", "scripts/bootstrap.py", "pytest", "-x", *tests)


def _run(checkout: Path, *command: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("COFFEESHOP_HOME", "PYTHONPATH")}
    offset = str(PORT_OFFSET)
    env = {**kept, "COFFEESHOP_PORT_OFFSET": offset, "COFFEESHOP_TEST_PORT_OFFSET": offset}
    ran = subprocess.run(
        command, cwd=checkout, env=env, capture_output=True, text=True, check=False, timeout=1800
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
