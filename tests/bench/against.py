"""An earlier commit beside ours: its own code, started by its own scripts, on ports of its own.

Its checkout is kept in the cache. To see a change's effect takes both in turns, in one
run: a figure of another day, or of a machine that was busier, says nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.base import cache, tools
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.stack.resources import DAPR
from tests.bench.counting import Counting
from tests.bench.fulfilment import Fulfilment
from tests.bench.measures import Measure
from tests.bench.placing import Placing, stock
from tests.bench.reading import BOARD, CUSTOMER, ORDER, Reading
from tests.bench.stacks import APART, OFFSET, RUNTIMES, Bench, lift_limit, running

VARIANT = "before"
RATE = 40
"""Orders a second at which their time to being fulfilled is taken."""


@dataclass(frozen=True)
class Commit:
    digest: str
    subject: str

    @classmethod
    def named(cls, name: str) -> "Commit":
        """Raises `Failure` if this checkout has no such commit."""
        try:
            shown = _git("show", "--no-patch", "--format=%H %s", f"{name}^{{commit}}")
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failure(f"This checkout has no commit {name} to compare with.") from error
        digest, _, subject = shown.decode().strip().partition(" ")
        return cls(digest, subject)

    def __str__(self) -> str:
        return f"{self.digest[:7]} {self.subject}"

    def checkout(self) -> Path:
        """Its files, in the cache, without the shop's limit on orders a second."""
        return cache.folder("commits", self.digest, self._check_out)

    def _check_out(self, folder: Path) -> None:
        packed = folder / "packed.tar"
        _git("archive", f"--output={packed}", self.digest)
        shutil.unpack_archive(packed, folder)
        packed.unlink()
        lift_limit(folder / DAPR.relative_to(CHECKOUT))


class EarlierCommit(Bench):
    """The stack of another commit, with what runs ours."""

    def __init__(self, home: Path, port_offset: int, commit: Commit) -> None:
        super().__init__(home, port_offset, runs_on=RUNTIMES["ours"])
        self._commit = commit

    def launch(self) -> None:
        """Build and start it by its own `make up`, which waits until it is ready. Raises
        `Failure`."""
        checkout = self._commit.checkout()
        tools.run(
            f"Starting the stack of {self._commit}",
            [_python(), checkout / "scripts" / "bootstrap.py", "up"],
            cwd=checkout,
            env={
                "COFFEESHOP_HOME": str(self.layout.home),
                "COFFEESHOP_PORT_OFFSET": str(self.ports.offset),
                "PYTHONPATH": "",  # ours: its scripts have modules of the same names
                "RUNTIME": self.ports.runtime,
            },
        )
        self._launched = True
        self.secrets = json.loads(self.layout.secrets.read_text())

    def wait_until_ready(self) -> None:
        """Its own script has waited: what has to be ready was another thing then."""


def measure(commit: Commit) -> Iterator[Measure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ours = Bench(home / "ours", OFFSET, runs_on=RUNTIMES["ours"])
        up = {"ours": ours, VARIANT: EarlierCommit(home / VARIANT, OFFSET + APART, commit)}
        with running(*up.values()):
            stock(*up.values())
            counting = Counting(up)
            counting.run()
            reading = Reading(up)
            reading.run((ORDER, CUSTOMER, BOARD), rounds=5, seconds=2, baselines=False)
            placing = Placing(up)
            placing.run((1, 64), rounds=3, seconds=4)
            placing.cost(rounds=3, seconds=4)
            fulfilment = Fulfilment(up, RATE)
            fulfilment.run(rounds=3, seconds=15)
    for found in (counting, placing, fulfilment, reading):
        yield from found.measures()


def _python() -> str:
    """The interpreter that ours was made with: its environment is made for that one again."""
    return shutil.which("python3", path=os.environ["PATH"]) or sys.executable


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", CHECKOUT, *arguments], check=True, capture_output=True
    ).stdout
