"""What still runs of a stack whose supervisord is gone or does not answer, or whose folder was
deleted under it."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil

from scripts.base.console import Failure
from scripts.stack.plan import GROUPS, Layout
from scripts.stack.supervisord import PROCESS, STACK

SUPERVISOR = "supervisord"
PATIENCE = 5.0
"""Seconds until what does not end is killed."""


@dataclass(frozen=True)
class Orphan:
    """`group` and `stop` as a `Process` has them; supervisord itself is of no group."""

    name: str
    group: str
    stop: str
    process: psutil.Process


def find(layout: Layout) -> list[Orphan]:
    """Every process that was started for the stack, by the marks in its environment. What was
    started by one of them comes with it."""
    return sorted(_marked(str(layout.home)), key=lambda left: (left.group, left.name))


def _marked(home: str) -> Iterator[Orphan]:
    for process in psutil.process_iter():
        try:
            env = process.environ()
            if env.get(STACK) != home or process.status() == psutil.STATUS_ZOMBIE:
                continue
        except (psutil.Error, OSError):
            continue  # another user's, or it has just ended
        group, _, rest = env.get(PROCESS, "").partition(":")
        name, _, stop = rest.partition(":")
        yield Orphan(name or SUPERVISOR, group, stop or "TERM", process)


def stop(layout: Layout) -> list[str]:
    """Stop all of them, in the order of a stack that goes down; their names. Raises `Failure` if
    one does not end."""
    stopped = [left.name for left in find(layout)]
    for group in ("", *reversed(GROUPS)):
        # Looked for again each time: supervisord, the first, may have stopped its processes.
        _end([left for left in find(layout) if left.group == group])
    if still := find(layout):
        raise Failure(f"{still[0].name} (process {still[0].process.pid}) does not end.")
    return sorted(set(stopped))


def _end(those: Sequence[Orphan]) -> None:
    for left in those:
        _signal(left, signal.Signals[f"SIG{left.stop}"])
    # supervisord stops its own processes first, one group after the other.
    patience = 40.0 if any(left.name == SUPERVISOR for left in those) else PATIENCE
    _, alive = psutil.wait_procs([left.process for left in those], patience)
    for left in those:
        if left.process in alive:
            _signal(left, signal.SIGKILL)
    psutil.wait_procs(alive, PATIENCE)


def _signal(left: Orphan, number: signal.Signals) -> None:
    """To its group: each process of a stack has one of its own, with what it started."""
    with contextlib.suppress(ProcessLookupError):
        group = os.getpgid(left.process.pid)
        if group != os.getpgrp():
            os.killpg(group, number)
            os.killpg(group, signal.SIGCONT)  # what is stopped heeds no other but SIGKILL
