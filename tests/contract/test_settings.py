"""A component whose settings cannot be used says so, with the host's own way to hand them over."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.stack import runtime
from scripts.stack.runtime import APIS
from tests.contract.component import free_port, health, serve, served, settings

Json = dict[str, Any]


def wrong_settings(log: Path) -> list[Json]:
    lines = [text[text.find('{"time":') :] for text in log.read_text().splitlines()]
    return [json.loads(line) for line in lines if '"setting.invalid"' in line]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.mark.parametrize("api", APIS)
def test_a_component_with_all_that_it_needs_is_well(api: str, port: int, tmp_path: Path) -> None:
    with served(serve(api, port, settings(api)), tmp_path) as log:
        assert health(port, api).status_code == 204
        assert wrong_settings(log) == []


WRONG = (
    *((api, name, "") for api in APIS for name in ("sidecar_token", "app_token")),
    ("counter", "id_secret", ""),
    ("counter", "order_deadline_seconds", "1e3"),
    ("counter", "order_deadline_seconds", "0"),
    ("counter", "pos_token", "of a file\n"),
    ("kitchen", "staff_token", "tökén"),
    ("kitchen", "making", "by-hand"),
    ("product", "sidecar_port", "http"),
)


@pytest.mark.parametrize(("api", "name", "value"), WRONG)
def test_a_component_with_a_wrong_setting_is_unwell_and_names_it(
    api: str, name: str, value: str, port: int, tmp_path: Path
) -> None:
    with served(serve(api, port, settings(api, **{name: value})), tmp_path) as log:
        answer = health(port, api)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"{api}-api is not set up: {name} must be " in answer.json()["detail"]
        (line,) = wrong_settings(log)
        assert (line["api"], line["setting"]) == (f"{api}-api", name)
        if value and name.endswith("_token"):
            assert value.strip() not in answer.text + str(line)


@pytest.mark.skipif(shutil.which("spin") is None, reason="no spin is on PATH")
def test_on_spin_each_api_with_a_wrong_setting_is_unwell_and_names_it(
    port: int, tmp_path: Path
) -> None:
    wrong = {"app_token": "of a file\n", "order_deadline_seconds": "abc"}
    process = runtime.spin(port, {api: settings(api, **wrong) for api in APIS})
    path = {"PATH": str(Path(shutil.which("spin") or "").parent)}
    with served(replace(process, env={**process.env, **path}), tmp_path) as log:
        for api in APIS:
            assert "app_token must be " in health(port, api).json()["detail"]
        found = {(line["api"], line["setting"]) for line in wrong_settings(log)}
    wanted = {(f"{api}-api", "app_token") for api in APIS}
    assert found == wanted | {("counter-api", "order_deadline_seconds")}
