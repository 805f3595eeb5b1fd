"""Clocks that differ. `make faults CASE=clocks` is the same, with its table."""

import os

import pytest

from scripts.stack import runtime
from tests.faults import clocks
from tests.faults.run import Run
from tests.faults.test_short import holds


def test_clocks_that_differ(run: Run) -> None:
    if runtime.chosen() == "spin":
        pytest.skip("on Spin the four APIs are one process, with one clock")
    if clocks.LIBRARY is None:
        if os.environ.get("CI"):
            pytest.fail(clocks.MISSING)
        pytest.skip(clocks.MISSING)
    holds(clocks.clocks(run))
