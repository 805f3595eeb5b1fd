"""`make lock`: resolve the .in files again, with hashes and without any registry's address."""

import sys
from pathlib import Path

from scripts.base import cache, console
from scripts.base.checkout import CHECKOUT
from scripts.base.tools import run

UV = "uv==0.13.9"
GUEST = ("--python-version", "3.14")
HOST = ("--universal", "--python-version", "3.11")
LOCKS = {
    "requirements": HOST,
    "scripts/provision/locks/go": HOST,
    "scripts/provision/locks/node": HOST,
    "apps/requirements": GUEST,
}


def main() -> None:
    def install(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), UV]
        run("Installing uv", pip)

    uv = cache.folder("uv", UV, install) / "bin" / "uv"
    flags = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet")
    for name, target in LOCKS.items():
        command: list[str | Path] = [
            uv,
            "pip",
            "compile",
            *flags,
            *target,
            f"{name}.in",
            "-o",
            f"{name}.txt",
        ]
        run(f"Locking {name}.txt", command, cwd=CHECKOUT)


if __name__ == "__main__":
    console.main(main)
