"""Running a tool, with progress and with the end of its output where it fails."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.base.cache import root
from scripts.base.console import Failure, say


def environment() -> dict[str, str]:
    """What a tool of the virtual environment needs, whether or not that is activated."""
    if sys.prefix == sys.base_prefix:
        return {}
    path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "VIRTUAL_ENV": sys.prefix}


def _program(name: str) -> str:
    return shutil.which(name, path=environment().get("PATH")) or name


def run(
    what: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """Run a tool and return what it printed, with a line of progress every 15 s.

    Raises `Failure` with the end of its output and the file that holds all of it.
    """
    say(f"{what} …")
    begin = time.monotonic()
    finished = threading.Event()

    def progress() -> None:
        while not finished.wait(15):
            say(f"{what} … {time.monotonic() - begin:.0f} s")

    ticker = threading.Thread(target=progress, daemon=True)
    ticker.start()
    try:
        done = subprocess.run(
            [_program(str(command[0])), *map(str, command[1:])],
            cwd=cwd,
            env={**os.environ, **environment(), **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{what}: {command[0]} is not installed.") from None
    finally:
        finished.set()
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise Failure(f"{what} failed{_kept(what, done.stdout)}. It ended with:\n{last}")
    return done.stdout


def _kept(what: str, output: str) -> str:
    """Keeps a tool's output, and says where."""
    log = root() / "logs" / f"{hashlib.sha256(what.encode()).hexdigest()[:8]}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output)
    except OSError:
        return ""
    return f"; all of its output is in {log}"
