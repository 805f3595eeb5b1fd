"""A component whose settings cannot be used says so, with the host's own way to hand them over."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts import build, resources, runtime
from scripts.runtime import APIS, Process

GIVEN = {"sidecar_token": 's "%', "app_token": "a'b;c #d", "id_secret": "i"}
Json = dict[str, Any]


@contextlib.contextmanager
def served(process: Process, folder: Path) -> Iterator[Path]:
    """The process from its start to its end; gives its log."""
    log = folder / "log"
    with log.open("w") as output:
        running = subprocess.Popen(
            list(map(str, process.command)), env=dict(process.env), stdout=output, stderr=output
        )
        try:
            yield log
        finally:
            running.terminate()
            running.wait(20)


def health(port: int, api: str) -> httpx.Response:
    deadline = time.monotonic() + 240
    while True:
        with contextlib.suppress(httpx.ConnectError):
            return httpx.get(f"http://127.0.0.1:{port}/healthz/{api}", timeout=60)
        assert time.monotonic() < deadline, "the runtime does not start"
        time.sleep(0.05)


def wrong_settings(log: Path) -> list[Json]:
    lines = [text[text.find('{"time":') :] for text in log.read_text().splitlines()]
    return [json.loads(line) for line in lines if '"setting.wrong"' in line]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def serve(api: str, port: int, given: Mapping[str, str]) -> Process:
    program = resources.program(api)
    component = build.build("aot", [program])[program]
    return runtime.serve(f"{api}-api", component, port, runtime.environment(given))


def settings(api: str, **changes: str) -> dict[str, str]:
    """What the stack gives the API, but for the changes."""
    return runtime.settings(api, 3500, GIVEN) | changes


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
