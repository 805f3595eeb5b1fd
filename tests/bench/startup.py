"""From the start of one API's process to its first answer, and its memory when it does nothing."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.build import wasm
from scripts.provision import programs
from scripts.stack import runtime
from scripts.stack.runtime import Process, environment
from tests.bench.measures import Measure, at_most, figure
from tests.bench.stacks import OFFSET, UNUSED, Memory, Single, api, memory

API = "counter"
PORT = OFFSET + 5_700
ROUNDS = 7
START = "start to first answer, compiled ahead of time"
MEMORY = "memory of an idle component"
TARGETS = {
    ("peer", START): at_most(0.12),
    ("peer", f"{MEMORY}, resident"): at_most(1.0),
    ("peer", f"{MEMORY}, anonymous"): at_most(0.4),
}
IDLE = 2.0
"""Seconds after which the runtime has let go of an instance that nobody asks."""


def measure() -> Iterator[Measure]:
    variants = {"ours": _one, "peer": _one} | ({"spin": _on_spin} if shutil.which("spin") else {})
    started: dict[str, list[float]] = {variant: [] for variant in variants}
    idle: dict[str, list[Memory]] = {variant: [] for variant in variants}
    for number in range(ROUNDS + 1):
        for variant, begin in variants.items():
            with begin(variant) as process:
                if number == 0:
                    continue  # the first of each finds its files on the disk, or compiles them
                started[variant].append(process.seconds)
                time.sleep(IDLE)
                idle[variant].append(memory(process.pid))
    ours, peer = figure(started["ours"]), figure(started["peer"])
    yield Measure(START, "s", ours, peer, "peer", TARGETS["peer", START])
    yield Measure("start to first answer, fresh", "s", figure(_fresh()), peer, "peer")
    if "spin" in started:
        yield Measure(START, "s", ours, figure(started["spin"]), "spin")
    for other in idle:
        if other == "ours":
            continue
        for kind in ("resident", "anonymous"):
            mine, theirs = (
                figure(getattr(each, kind) for each in idle[variant]) for variant in ("ours", other)
            )
            name = f"{MEMORY}, {kind}"
            yield Measure(name, "MB", mine, theirs, other, TARGETS.get((other, name)))


def _one(variant: str) -> Single:
    return api(API, variant, PORT)


def _on_spin(_: str) -> Single:
    """All four APIs, which are one process there."""
    return Single(runtime.spin(PORT, {API: UNUSED}), f"/healthz/{API}")


def _fresh() -> float:
    """The same component, compiled when it is started."""
    component = wasm.build("portable", [f"{API}-api"])[f"{API}-api"]
    command: tuple[str | Path, ...] = (
        *(programs.wasmtime(), "serve", *wasm.SERVE_FLAGS, "-C", "cache=n"),
        *("--addr", f"127.0.0.1:{PORT}"),
        *(f"--env={name}={value}" for name, value in environment(UNUSED).items()),
        component,
    )
    with Single(Process("fresh", "components", command, (PORT,)), f"/healthz/{API}") as process:
        return process.seconds
