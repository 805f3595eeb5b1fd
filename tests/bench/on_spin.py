"""Spin with and without kept connections to the sidecar: `connection_pooling` of its runtime
configuration. Both are stacks of their own, which take turns."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.provision.programs import Tools
from scripts.stack.runtime import Process
from tests.bench.measures import Measure
from tests.bench.placing import Placing, stock
from tests.bench.stacks import APART, OFFSET, RUNTIMES, Bench, running

CONFIGURATION = CHECKOUT / "runtime-config.toml"
WITHOUT = "new ones"
_SETTING = re.compile(r"^connection_pooling = \w+$", re.MULTILINE)


class OnSpin(Bench):
    """The stack on Spin, which keeps its connections open or does not."""

    def __init__(self, home: Path, port_offset: int, *, keeps: bool) -> None:
        super().__init__(home, port_offset, runs_on=RUNTIMES["spin"])
        self._keeps = keeps

    def processes(self, tools: Tools) -> list[Process]:
        """Raises `Failure` where the configuration has no such setting."""
        path = self.layout.run / CONFIGURATION.name
        setting = f"connection_pooling = {str(self._keeps).lower()}"
        text, count = _SETTING.subn(setting, CONFIGURATION.read_text())
        if count != 1:
            raise Failure(f"{CONFIGURATION.name} does not set connection_pooling once.")
        path.write_text(text)
        return [
            replace(each, command=tuple(path if p == CONFIGURATION else p for p in each.command))
            for each in super().processes(tools)
        ]


def measure() -> Iterator[Measure]:
    """On a machine that has Spin."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        up: dict[str, Bench] = {
            "ours": OnSpin(home / "kept", OFFSET, keeps=True),
            WITHOUT: OnSpin(home / "new", OFFSET + APART, keeps=False),
        }
        with running(*up.values()):
            stock(*up.values())
            placing = Placing(up)
            placing.run((1,), rounds=3, seconds=4)
            placing.cost(rounds=3, seconds=4)
    for each in placing.measures():
        yield replace(each, name=f"Spin with kept connections: {each.name}")
