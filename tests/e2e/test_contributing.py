"""A station and an item are added by the book: the tests pass there too. `make try-station` runs
all of them; here are those that a station or an item may break."""

import re
from pathlib import Path

import pytest

from tests import juicebar

pytestmark = pytest.mark.skipif(juicebar.IS_COPY, reason="this is the copy")
CONFIGURATION = re.compile(r"spin\.toml|dapr\.yaml|k8s/|apps/product-api/product/menu\.py")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return juicebar.made(tmp_path_factory.mktemp("contributing"))


def test_a_station_and_an_item_are_configuration(copy: Path) -> None:
    """No code is changed, and no description."""
    juicebar.make(copy, "describe")
    touched = juicebar.changed(copy)
    assert "k8s/base/dapr/juicebar-store.yaml" in touched
    assert all(CONFIGURATION.match(name) for name in touched), touched


def test_the_unit_tests_pass_with_a_new_station(copy: Path) -> None:
    """Without those of the supervisor, which take half of the time and know no station."""
    juicebar.passes(copy, "tests/unit", "--ignore=tests/unit/test_supervise.py")


def test_a_new_station_is_served_and_makes_its_item(copy: Path) -> None:
    juicebar.passes(copy, "tests/e2e/test_interface.py", "tests/e2e/test_ordering.py")
