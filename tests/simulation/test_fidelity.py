"""What the simulated sidecar does is what the real daprd does: the same cases, the same answers."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.stack.plan import BASE
from tests.dapr.configuration import Configuration
from tests.simulation.fidelity import (
    CASES,
    DISTURBING,
    Case,
    Simulated,
    name,
    simulated_configuration,
)
from tests.simulation.real import Real, run

PORT_OFFSET = int(os.environ.get("COFFEESHOP_TEST_PORT_OFFSET") or 20_000)
EXPECTED = {**CASES, **DISTURBING}


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return simulated_configuration(BASE, tmp_path_factory.mktemp("resources"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Any]]:
    """What each case saw of real processes, all run at once."""
    with Real(tmp_path_factory.mktemp("real"), PORT_OFFSET) as bench:
        yield run(bench, list(CASES), list(DISTURBING))


@pytest.mark.parametrize("case", EXPECTED, ids=name)
def test_the_simulated_sidecar(case: Case, configuration: Configuration) -> None:
    assert Simulated(configuration).run(case) == EXPECTED[case]


@pytest.mark.parametrize("case", EXPECTED, ids=name)
def test_the_real_sidecar(case: Case, real: dict[Case, Any]) -> None:
    if isinstance(real[case], BaseException):
        raise real[case]
    assert real[case] == EXPECTED[case]
