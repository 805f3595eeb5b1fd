"""`make lint`: ruff and mypy --strict over everything, tsc over the page.

The guest's own modules are checked as Python 3.14, which they run on. The four `app.py` share a
name, so each API is checked by itself.
"""

import os
import subprocess
import sys

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.build import page
from scripts.build.wasm import APPS

_GUEST = ("--python-version", "3.14")


def main() -> None:
    mypy = (sys.executable, "-m", "mypy")
    commands: list[tuple[str, ...]] = [
        (sys.executable, "-m", "ruff", "check", "apps", "scripts", "tests"),
        (sys.executable, "-m", "ruff", "format", "--check", "-q", "apps", "scripts", "tests"),
        *((*mypy, *_GUEST, "apps/shared/coffeeshop", f"apps/{api}") for api in APPS),
        (*mypy, "apps/pos/coffee"),
        (*mypy, "scripts"),
        (*mypy, "tests/unit", "tests/contract", "tests/support", "tests/try_station.py"),
        (*mypy, "tests/e2e"),
        (*mypy, "tests/bench"),
        (*mypy, "tests/faults"),
        (*mypy, "tests/simulation", "tests/dapr", "tests/dev"),
        (*mypy, "tests/manifests", "tests/cluster"),
        tuple(page.type_check()),
    ]
    # mypy refuses what is on its own path and on Python's.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    failed = [
        " ".join(command[1:])
        for command in commands
        if subprocess.run(command, cwd=CHECKOUT, env=env, check=False).returncode
    ]
    if failed:
        raise Failure(f"lint: {len(failed)} of {len(commands)} checks failed.")


if __name__ == "__main__":
    console.main(main)
