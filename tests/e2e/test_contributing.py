"""CONTRIBUTING.md's own example, a juice bar, followed to the letter in a copy of the checkout."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.cache import CHECKOUT
from scripts.runtime import SPIN_PORT, chosen
from shop import PORT_OFFSET

ALLOWED = re.compile(
    r"apps/juicebar-api/|apps/product-api/product/menu\.py|spin\.toml|k8s/base/dapr/|k8s/base/juicebar/"
)
OFFSET = PORT_OFFSET + 1000
"""Beside the stack of the other tests."""


def section(title: str) -> str:
    """The shell blocks of a section of CONTRIBUTING.md, as one script."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    body = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return "\n".join(f"({block})" for block in re.findall(r"```sh\n(.*?)```", body, re.DOTALL))


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A copy of what git knows here, or would add."""
    copy = tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, copy / name)
    yield copy
    _run(copy, "make", "down")


def _run(checkout: Path, *command: str) -> str:
    ran = subprocess.run(
        command,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={
            **{k: v for k, v in os.environ.items() if k != "COFFEESHOP_HOME"},
            "COFFEESHOP_PORT_OFFSET": str(OFFSET),
        },
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_juice_bar_is_added_by_the_book_and_serves(checkout: Path) -> None:
    before = _files(checkout)
    _run(checkout, "bash", "-eu", "-c", section("Adding a station"))
    touched = {name for name, content in _files(checkout).items() if before.get(name) != content}
    assert all(ALLOWED.match(name) for name in touched), touched
    assert any(name.startswith("apps/juicebar-api/") for name in touched)

    _run(checkout, "make", "describe")
    written = {name for name, content in _files(checkout).items() if before.get(name) != content}
    assert written - touched == {"apps/juicebar-api/openapi.json"}
    _run(checkout, "make", "up")
    coffee = str(checkout / ".venv" / "bin" / "coffee")
    shown = _run(checkout, coffee, "order", "orange juice", "CROISSANT", "--as", "ann")
    assert "ORANGE_JUICE" in shown
    assert "ready" in shown.partition("total")[2]
    port = 5005 if chosen() == "wasmtime" else SPIN_PORT
    juicebar = f"http://127.0.0.1:{port + OFFSET}"
    assert httpx.get(f"{juicebar}/openapi/juicebar.json").json()["info"]["title"]
    assert httpx.put(f"{juicebar}/v1/api/juicebar/unavailable/10").status_code == 204
    assert "sold out" in _run(checkout, coffee, "menu")


def _files(checkout: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(checkout)): path.read_bytes()
        for folder in ("apps", "k8s", "scripts", "tests", "docs", ".")
        for path in (checkout / folder).glob("**/*" if folder != "." else "*")
        if path.is_file() and "__pycache__" not in path.parts
    }
