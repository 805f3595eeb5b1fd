"""A station is configuration: what is written for each of them is committed and up to date."""

import tomllib

import pytest
import yaml

from product.menu import MENU
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.describe import stations
from scripts.stack import resources

STATIONS = resources.stations()
NEW = next(name for name in ("juicebar", "grill") if name not in STATIONS)


def test_what_is_written_for_the_stations_is_committed() -> None:
    for path, text in stations.documents(STATIONS).items():
        assert path.read_text() == text, f"{path.name} is out of date: run `make station`"


def test_every_item_on_the_menu_has_its_station() -> None:
    assert {item.station for item in MENU} <= set(STATIONS)


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """What a new station changes, by path."""
    found = stations.documents((*STATIONS, NEW))
    return {
        str(path.relative_to(CHECKOUT)): text
        for path, text in found.items()
        if not path.exists() or path.read_text() != text
    }


def test_a_new_station_changes_no_file_of_another(written: dict[str, str]) -> None:
    assert not any(station in path for path in written for station in STATIONS)


def test_a_new_station_runs_the_stations_program_on_the_next_port(
    written: dict[str, str],
) -> None:
    manifest = tomllib.loads(written["spin.toml"])
    assert list(manifest["component"])[-1] == f"{NEW}-api"
    component = manifest["component"][f"{NEW}-api"]
    assert component["source"] == f"build/spin/{resources.STATION}.wasm"
    assert component["variables"]["station"] == NEW
    port = manifest["variables"][f"{NEW}_sidecar_port"]["default"]
    assert port == str(stations.FIRST_SIDECAR_PORT + len(resources.apis()))
    listed = {app["appID"]: app for app in yaml.safe_load(written["dapr.yaml"])["apps"]}
    assert listed[f"{NEW}-api"]["daprHTTPPort"] == int(port)


def test_a_new_station_reports_at_the_route_that_takes_any(written: dict[str, str]) -> None:
    """Only the first two have a fixed one of their own."""
    subscription = written[f"k8s/base/dapr/subscription-{NEW}-order-updated.yaml"]
    assert yaml.safe_load(subscription)["spec"]["routes"] == {
        "default": "/dapr_subscribe_OrderUpdated"
    }


@pytest.mark.parametrize(
    "name",
    ["", "Juicebar", "juice bar", "x" * 21, "counter", "barista", "orders", "entry"],
)
def test_a_name_that_a_station_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(Failure):
        stations.check(name)


def test_a_name_that_is_free_is_taken() -> None:
    stations.check(NEW)
