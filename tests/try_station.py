"""`make try-station`: everything that must pass, in a copy of the checkout with a juice bar."""

from pathlib import Path

import pytest

from tests import juicebar


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return juicebar.made(tmp_path_factory.mktemp("contributing"))


@pytest.mark.parametrize("target", ["lint", "unit", "simulate-short", "k8s-test", "e2e"])
def test_it_passes_with_a_new_station(copy: Path, target: str) -> None:
    juicebar.make(copy, target)
