"""What the built components may ask of their host, and what pydantic's library asks of WASI."""

import re

import pytest

from scripts.base.tools import run
from scripts.build import wasm
from scripts.provision import pydantic_wasi

WASI = {
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
}
"""The packages of WASI that componentize-py's CPython and wasi:http/service bring along."""
SPIN = {"spin:variables/variables@3.0.0"}


def imports(world: str, api: str) -> set[str]:
    component = wasm.build(world, [api])[api]
    text = run("Reading imports", ["wasm-tools", "component", "wit", component])
    top = text[text.index("world root") :]
    return set(re.findall(r"^\s+import ([a-z0-9:/@.-]+);", top[: top.index("\n}")], re.MULTILINE))


@pytest.mark.parametrize("api", wasm.APPS)
def test_a_portable_component_asks_for_wasi_alone(api: str) -> None:
    found = imports("portable", api)
    assert {name.partition("/")[0] for name in found} <= WASI
    assert "wasi:http/client@0.3.0" in found


@pytest.mark.parametrize("api", wasm.APPS)
def test_a_spin_component_asks_for_variables_besides(api: str) -> None:
    found = imports("spin", api)
    assert {name for name in found if not name.startswith("wasi:")} == SPIN
    assert {name.partition("/")[0] for name in found} <= WASI | {"spin:variables"}


def test_pydantics_library_takes_what_was_audited_and_no_more() -> None:
    library = pydantic_wasi.site() / pydantic_wasi.LIBRARY
    assert pydantic_wasi.libc_imports(library) == sorted(pydantic_wasi.audited_imports())
