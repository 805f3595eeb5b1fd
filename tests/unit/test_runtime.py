"""What the components are run with: the same settings on Spin and on wasmtime."""

import re

import pytest
import yaml

from coffeeshop.settings import NAMES
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.build import manifest, wasm
from scripts.stack import runtime
from scripts.stack.plan import Ports
from scripts.stack.runtime import APIS

SECRETS = {"sidecar_token": "s", "app_token": "a", "id_secret": "i"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    for name in runtime.OPTIONAL:
        monkeypatch.setenv(f"COFFEESHOP_{name.upper()}", "7")
    return {api: runtime.settings(api, 3500 + n, SECRETS) for n, api in enumerate(APIS)}


def test_every_setting_of_the_runner_is_one_of_the_code(
    settings: dict[str, dict[str, str]],
) -> None:
    assert set().union(*settings.values()) == set(NAMES)


def test_every_setting_of_the_runner_reaches_its_component_on_spin(
    settings: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """spin.toml hands each component what wasmtime's process has as environment, under the same
    name, and its outbound host is its own sidecar's address."""
    monkeypatch.setattr(wasm, "build", lambda _world: {})
    given = runtime.spin(5002, settings).env
    spin = manifest.load()
    for api in APIS:
        component = spin["component"][f"{api}-api"]

        def resolved(text: str) -> str:
            return re.sub(
                r"{{ (\w+) }}", lambda found: given[f"SPIN_VARIABLE_{found[1].upper()}"], text
            )

        values = {name: resolved(text) for name, text in component["variables"].items()}
        # The runner gives every API what the user of the stack set; some do not need it.
        unneeded = set(runtime.OPTIONAL) - set(values)
        wanted = {n: v for n, v in settings[api].items() if n not in unneeded}
        assert values == wanted, api
        sidecar = f"http://{settings[api]['sidecar_host']}:{settings[api]['sidecar_port']}"
        assert [resolved(host) for host in component["allowed_outbound_hosts"]] == [sidecar]


def test_every_variable_that_spin_needs_is_given(
    settings: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasm, "build", lambda _world: {})
    given = runtime.spin(5002, settings).env
    for name, variable in manifest.load()["variables"].items():
        if variable.get("required"):
            assert f"SPIN_VARIABLE_{name.upper()}" in given


def test_secrets_are_on_no_command_line(
    settings: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasm, "build", lambda _world: {})
    secret = {**SECRETS, "app_token": "never-to-be-seen"}
    given = {"product": runtime.settings("product", 3501, secret)}
    command = runtime.spin(5002, given).command
    assert not any("never-to-be-seen" in str(part) for part in command)


@pytest.mark.parametrize(
    ("asked", "on_path", "runs"),
    [("", True, "spin"), ("", False, "wasmtime"), ("wasmtime", True, "wasmtime")],
)
def test_spin_is_used_where_it_is(
    asked: str, on_path: bool, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME", asked)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if on_path else None)
    assert runtime.chosen() == runs


def test_a_runtime_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    for asked in ("spin", "wasmer"):
        monkeypatch.setenv("RUNTIME", asked)
        with pytest.raises(Failure, match="RUNTIME is"):
            runtime.chosen()


def test_a_module_that_is_named_runs_the_apis() -> None:
    """As the benchmark's peer does: one process for each, its settings by environment alone."""
    given = {api: runtime.settings(api, 3500, SECRETS) for api in ("product", "counter")}
    found = runtime.separate("tests.bench.native", {"product": 5001, "counter": 5002}, given)
    assert [(each.name, each.ports) for each in found] == [
        ("product-api", (5001,)),
        ("counter-api", (5002,)),
    ]
    assert found[1].env["COFFEESHOP_ID_SECRET"] == "i"
    assert "i" not in found[1].command


def test_the_image_serves_as_the_local_stack_does() -> None:
    """But for the environment, which a container has for itself, and the cache."""
    dockerfile = (CHECKOUT / "k8s" / "images" / "wasmtime.Dockerfile").read_text()
    for flag in (*wasm.SERVE_FLAGS, *runtime.RUN_FLAGS):
        assert f'"{flag}' in dockerfile, flag


def test_the_dapr_cli_starts_what_the_stack_starts() -> None:
    """dapr.yaml has the ports of a stack on Spin that is not shifted, and each API once."""
    ports = Ports(0, "spin")
    run = yaml.safe_load((CHECKOUT / "dapr.yaml").read_text())
    assert run["common"]["schedulerHostAddress"] == ""
    apps = {app["appID"].removesuffix("-api"): app for app in run["apps"]}
    assert sorted(apps) == sorted(APIS)
    for api, app in apps.items():
        assert app["appPort"] == ports.app(api)
        assert app["daprHTTPPort"] == ports.sidecar(api)
    (command,) = [app["command"] for app in apps.values() if "command" in app]
    assert f"127.0.0.1:{ports.app('counter')}" in command
