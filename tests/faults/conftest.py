"""A stack of its own: these tests break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.stack.supervise import Stack
from tests.faults.run import PORT_OFFSET, Run


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("faults")
    with Stack(home, PORT_OFFSET) as running:
        running.up()
        yield running


@pytest.fixture(scope="session")
def run(stack: Stack) -> Run:
    """Short: half the load, and less of it, so that all of it takes some three minutes."""
    short = Run(stack, seed=1, rate=10, seconds=20, outage=6, absence=25, connections=64)
    short.sell_out()
    return short
