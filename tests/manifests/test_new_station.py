"""What `make station` writes for Kubernetes is right: a copy with a juice bar passes the tests."""

from pathlib import Path

import pytest

from tests import juicebar


@pytest.mark.skipif(juicebar.IS_COPY, reason="this is the copy")
def test_the_manifests_of_a_new_station_are_right(tmp_path: Path) -> None:
    juicebar.passes(juicebar.made(tmp_path), "tests/manifests")
