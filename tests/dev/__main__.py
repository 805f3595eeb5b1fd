"""`python -m tests.dev`: run the server in a process of its own, and again after each change."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure, say
from scripts.build import page
from scripts.stack import listening, ports
from scripts.stack.runtime import SPIN_PORT, Process

NOTICE = (
    "For development: the four APIs run natively, on a simulated Dapr. Nothing of it lasts: "
    "orders are gone when it stops, and after each change of a file."
)
GUESTS = ("shared", "counter-api", "product-api", "station-api")
WATCHED = ("apps", "k8s/base/dapr", "tests/dapr", "tests/dev")
SUFFIXES = {".css", ".html", ".json", ".py", ".svg", ".ts", ".tsx", ".yaml"}
LEFT_OUT = {"__pycache__", "node_modules", "pos"}
PAUSE = 0.3
"""Seconds between two looks at the files."""

State = dict[Path, int]


def main() -> None:
    say(NOTICE)
    port = SPIN_PORT + listening.port_offset(SPIN_PORT)
    ports.check([Process("make dev", "", (), (port,))])
    # A terminal that closes ends it as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        while True:
            begun = files()
            child = _start(port)
            try:
                changed = _until_changed(begun)
            finally:
                _stop(child)
            say(f"{changed} has changed: starting again.")
    except KeyboardInterrupt:
        say("Stopped: its orders are gone.")


def _start(port: int) -> "subprocess.Popen[bytes]":
    paths = [*(str(CHECKOUT / "apps" / name) for name in GUESTS), *_page()]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.dev.server", str(port)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        # Ctrl-C is for this process: it stops the other one.
        start_new_session=True,
    )


def _page() -> Iterator[str]:
    try:
        yield str(page.made())
    except Failure as failure:
        say(f"Without its page: {failure}")


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(3)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def files() -> State:
    """The files that are watched, by when each was changed."""
    found: State = {}
    for folder in WATCHED:
        for root, folders, names in os.walk(CHECKOUT / folder):
            folders[:] = [each for each in folders if each not in LEFT_OUT]
            for name in names:
                path = Path(root, name)
                if path.suffix in SUFFIXES:
                    with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                        found[path] = path.stat().st_mtime_ns
    return found


def _until_changed(before: State) -> Path:
    """A file that has changed. A server that has ended by itself waits for one, too."""
    while True:
        time.sleep(PAUSE)
        now = files()
        if changed := {path for path, _ in now.items() ^ before.items()}:
            return min(changed).relative_to(CHECKOUT)


if __name__ == "__main__":
    console.main(main)
