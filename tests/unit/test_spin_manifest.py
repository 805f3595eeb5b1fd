"""spin.toml says the same as the code: routes, settings, outbound hosts."""

import re
import tomllib
from typing import Any

import pytest

from coffeeshop.settings import NAMES
from scripts.base.checkout import CHECKOUT
from scripts.build.manifest import CATCH_ALL, routes
from scripts.describe import descriptions
from scripts.stack import resources

MANIFEST: dict[str, Any] = tomllib.loads((CHECKOUT / "spin.toml").read_text())
APPS = tuple(f"{api}-api" for api in resources.apis())
OWN_PORT = {"/openapi.json", "/"}
"""Several APIs have these paths; on one port they lead to counter-api, as all else does."""


def code_routes(api: str) -> set[str]:
    """The paths in an API's table of routes, without those that it has on a port of its own."""
    routes = descriptions.router(api.removesuffix("-api")).routes
    paths = {route.path for route in routes}
    return paths - (OWN_PORT if api != "counter-api" else {"/openapi.json"})


def manifest_routes(api: str) -> list[str]:
    """The routes to an API; what no route leads to has a test of its own."""
    triggers = MANIFEST["trigger"]["http"]
    return [t["route"] for t in triggers if t["component"] == api and t["route"] != CATCH_ALL]


def covers(route: str, path: str) -> bool:
    pattern = re.sub(r":\w+", "[^/]+", route).replace("/...", "(/.*)?")
    return re.fullmatch(pattern, path) is not None


@pytest.mark.parametrize("api", APPS)
def test_every_path_of_an_api_is_routed_to_it_alone(api: str) -> None:
    for path in code_routes(api):
        for other in APPS:
            routed = any(covers(route, path) for route in manifest_routes(other))
            assert routed == (other == api), f"{path} and {other}"


@pytest.mark.parametrize("api", APPS)
def test_every_route_leads_to_a_path(api: str) -> None:
    for route in manifest_routes(api):
        assert any(covers(route, path) for path in code_routes(api)), route


def test_one_component_answers_what_no_route_leads_to() -> None:
    """And a reader of the table of routes, as the cluster's entry does, does not see it."""
    triggers = MANIFEST["trigger"]["http"]
    assert [t["component"] for t in triggers if t["route"] == CATCH_ALL] == ["counter-api"]
    assert CATCH_ALL not in {route.path for route in routes()}


@pytest.mark.parametrize("api", APPS)
def test_a_component_gets_known_settings_and_its_own_sidecar(api: str) -> None:
    name = api.removesuffix("-api")
    component = MANIFEST["component"][api]
    assert set(component["variables"]) <= set(NAMES)
    assert {"sidecar_host", "sidecar_port", "sidecar_token", "app_token"} <= set(
        component["variables"]
    )
    own = f"http://{{{{ {name}_sidecar_host }}}}:{{{{ {name}_sidecar_port }}}}"
    assert component["allowed_outbound_hosts"] == [own]


def test_every_variable_that_is_used_exists_and_secrets_are_marked() -> None:
    known = MANIFEST["variables"]
    used = {
        name
        for component in MANIFEST["component"].values()
        for value in component["variables"].values()
        for name in re.findall(r"{{ (\w+) }}", value)
    }
    assert used == set(known)
    for name, variable in known.items():
        assert variable.get("secret", False) == name.endswith(("_token", "_secret")), name
