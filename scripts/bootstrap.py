"""`python3 scripts/bootstrap.py MODULE ARGS…`: make the virtual environment if it is not there
yet, and run `python -m scripts.MODULE ARGS…` in it. Uses the standard library alone.

The environment lies in the cache, by the digest of its lock file, so that a fresh clone finds it.
`.venv` in the checkout points to it, for editors.
"""

import os
import sys
import tomllib
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older one is told, not traced
    sys.exit(f"coffeeshop: Python 3.11 or later is needed; this is {sys.version.split()[0]}.")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts.base import cache, checkout, console, proxies, tools

LOCK = checkout.CHECKOUT / "requirements.txt"


def environment_key() -> str:
    """By where Python is installed: called from a virtual environment, such as the one that is made
    here and then is on PATH, it has another name."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{version}-{cache.digest([LOCK], os.path.realpath(sys.base_prefix))}"


def environment() -> Path:
    """The virtual environment, with everything that the lock file names."""
    key = environment_key()
    # Made where it will stay, for it holds its own path; the cached folder says that it is whole.
    target = cache.root() / "venv" / f"{key}.env"

    def install(partial: Path) -> None:
        try:
            venv.create(target, with_pip=True, clear=True)
        except Exception as error:
            raise console.Failure(f"Python's venv does not work here ({error}).") from None
        python = target / "bin" / "python"
        tools.run(
            "Installing what requirements.txt names",
            [python, "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCK],
        )
        (partial / "whole").touch()

    cache.folder("venv", key, install)
    return target


def paths() -> list[Path]:
    """Where code of this checkout is imported from, as pyproject.toml tells pytest."""
    project = tomllib.loads((checkout.CHECKOUT / "pyproject.toml").read_text())
    return [
        checkout.CHECKOUT / each for each in project["tool"]["pytest"]["ini_options"]["pythonpath"]
    ]


COFFEE = """#!/bin/sh
'''exec' "$(dirname "$(readlink -f "$0")")/python" "$0" "$@"
'''
# `coffee` of the checkout that this is called in, or whose .venv/bin it is called from. The shell
# finds Python beside it, in a path that may have blanks.
import pathlib, runpy, sys
for checkout in (pathlib.Path(sys.argv[0]).absolute().parents[2], pathlib.Path.cwd()):
    if (checkout / "apps" / "pos" / "coffee").is_dir():
        sys.path[:0] = [str(checkout / "apps" / each) for each in ("pos", "shared")]
        runpy.run_module("coffee", run_name="__main__")
sys.exit("coffee: call it as .venv/bin/coffee of a checkout of Coffeeshop, or in one")
"""


def _install_coffee(made: Path) -> None:
    """`.venv/bin/coffee`. The environment is shared by checkouts: it finds its own by its path."""
    script = made / "bin" / "coffee"
    if not script.exists() or script.read_text() != COFFEE:
        script.write_text(COFFEE)
        script.chmod(0o755)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: bootstrap.py MODULE [ARGS…]")
    made = environment()
    link = checkout.CHECKOUT / ".venv"
    if link.is_dir() and not link.is_symlink():
        raise console.Failure(f"{link} is a folder of your own: rename it, for ours has that name.")
    if not link.exists() or link.resolve() != made.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(made)
    _install_coffee(made)
    module, arguments = sys.argv[1], sys.argv[2:]
    if module == "coffee":
        command = [str(link / "bin" / "coffee"), *arguments]
        os.execv(command[0], command)  # noqa: S606 - our own program
    if module not in ("pytest", "ruff") and not module.startswith("tests."):
        module = f"scripts.{module}"
    os.chdir(checkout.CHECKOUT)
    python = str(made / "bin" / "python")
    env = dict(os.environ)
    proxies.exempt(env)
    env["PYTHONPATH"] = os.pathsep.join(map(str, paths()))
    os.execve(python, [python, "-m", module, *arguments], env)  # noqa: S606 - our own program


if __name__ == "__main__":
    console.main(main)
