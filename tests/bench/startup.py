"""From the start of one API's process to its first answer, and its memory when it does nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

from scripts import build, provision
from scripts.runtime import Process, environment
from tests.bench.measures import Measure, at_most, figure
from tests.bench.stacks import OFFSET, UNUSED, Memory, Single, api, memory

API = "counter"
PORT = OFFSET + 5_700
ROUNDS = 7
IDLE = 2.0
"""Seconds after which the runtime has let go of an instance that nobody asks."""


def measure() -> Iterator[Measure]:
    started: dict[str, list[float]] = {"ours": [], "peer": []}
    idle: dict[str, list[Memory]] = {"ours": [], "peer": []}
    for number in range(ROUNDS + 1):
        for side in started:
            with api(API, side, PORT) as process:
                if number == 0:
                    continue  # the first of each finds its files on the disk
                started[side].append(process.seconds)
                time.sleep(IDLE)
                idle[side].append(memory(process.pid))
    ours, peer = figure(started["ours"]), figure(started["peer"])
    name = "start to first answer, compiled ahead of time"
    yield Measure(name, "s", ours, peer, "peer", at_most(0.12))
    yield Measure("start to first answer, fresh", "s", figure(_fresh()), peer, "peer")
    for name, bound in (("resident", 1.0), ("anonymous", 0.4)):
        yield Measure(
            f"memory of an idle component, {name}",
            "MB",
            figure(getattr(each, name) for each in idle["ours"]),
            figure(getattr(each, name) for each in idle["peer"]),
            "peer",
            at_most(bound),
        )


def _fresh() -> float:
    """The same component, compiled when it is started."""
    component = build.build("portable", [f"{API}-api"])[f"{API}-api"]
    command: tuple[str | Path, ...] = (
        *(provision.wasmtime(), "serve", *build.SERVE_FLAGS, "-C", "cache=n"),
        *("--addr", f"127.0.0.1:{PORT}"),
        *(f"--env={name}={value}" for name, value in environment(UNUSED).items()),
        component,
    )
    with Single(Process("fresh", "components", command, (PORT,)), f"/healthz/{API}") as process:
        return process.seconds
