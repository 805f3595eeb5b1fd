"""What runs the components: Spin, one process on one port for all four, or wasmtime, one for each.

`RUNTIME=spin|wasmtime` chooses; without it Spin is used where `spin` is on PATH. All that differs
between the two is here. Two more are for starting the rest by hand: `none` is everything but
the components (`make sidecars`), `dapr` is without the sidecars too (`make store`). A module's name
instead is another way to run the APIs, one process for each: its `processes` has the parameters and
the result of `wasmtime` here (`RUNTIME=tests.bench.native` is the benchmark's peer). What such a
runtime needs beside the usual processes, its `complete` adds to them (`tests.bench.workflow`).
"""

import importlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.build import wasm
from scripts.provision import programs
from scripts.stack import resources
from scripts.stack.listening import LOOPBACK, Address

APIS = resources.apis()
RUNTIMES = ("spin", "wasmtime", "none", "dapr")

SPIN_PORT = 5002
"""counter-api's own on wasmtime: the page and the POS find the shop at one address either way."""

ON_ONE_PORT = ("spin", "none", "dapr")
"""Where one port serves all four APIs."""

OWN = ("sidecar_host", "sidecar_port", "making")
"""The settings that have a Spin variable for each API."""
OF_PEOPLE = ("pos_token", "staff_token")
"""The settings that keep people out who do not show them."""
OPTIONAL = (
    *(*OF_PEOPLE, "order_deadline_seconds", "pickup_minutes"),
    *("making", "ticket_slow_seconds", "ticket_late_seconds"),
)
"""Settings that the user of the stack may set, each by the variable `COFFEESHOP_<NAME>`."""


@dataclass(frozen=True)
class Process:
    """`group`: one of `stack.GROUPS`. `stop` is the signal that ends it well."""

    name: str
    group: str
    command: tuple[str | Path, ...]
    ports: tuple[int, ...]
    stop: str = "TERM"
    env: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    """The address of its ports."""


def chosen() -> str:
    """Raises `Failure` for what is none of them, and for Spin where there is none."""
    asked = os.environ.get("RUNTIME")
    found = shutil.which("spin")
    if asked not in (None, "", *RUNTIMES) and "." not in asked:
        raise Failure(f"RUNTIME is {asked}: it may be {', '.join(RUNTIMES)}.")
    if asked == "spin" and not found:
        raise Failure("RUNTIME is spin, and no spin is on PATH.")
    return asked or ("spin" if found else "wasmtime")


def app_port(runtime: str, api: str) -> int:
    """Of an API in a stack whose ports are not shifted."""
    return SPIN_PORT if runtime in ON_ONE_PORT else 5001 + APIS.index(api)


def process_name(runtime: str, api: str) -> str:
    """The process that serves an API."""
    return "spin-api" if runtime == "spin" else f"{api}-api"


def settings(api: str, sidecar_port: int, secrets: Mapping[str, str]) -> dict[str, str]:
    """An API's settings by their names in its code (coffeeshop/settings.py)."""
    given = {
        "sidecar_host": "127.0.0.1",
        "sidecar_port": str(sidecar_port),
        "sidecar_token": secrets["sidecar_token"],
        "app_token": secrets["app_token"],
    }
    if api == "counter":
        given["id_secret"] = secrets["id_secret"]
    if api in resources.stations():
        given["station"] = api
    for name in OPTIONAL:
        if (value := os.environ.get(f"COFFEESHOP_{name.upper()}")) is not None:
            given[name] = value
    return given


def variables(settings: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The environment that gives Spin the variables of spin.toml."""
    env: dict[str, str] = {}
    for api, given in settings.items():
        for name, value in given.items():
            if name == "station":  # spin.toml says it itself
                continue
            own = f"{api}_{name}" if name in OWN else name
            env[f"SPIN_VARIABLE_{own.upper()}"] = value
    return env


def spin(
    port: int, settings: Mapping[str, Mapping[str, str]], address: Address = LOOPBACK
) -> Process:
    """`spin up`; each setting reaches its component through a variable of spin.toml, and variables
    reach Spin by its environment. An API's own sidecar has variables of its own."""
    wasm.build("spin")
    command: tuple[str | Path, ...] = (
        *("spin", "up", "--from", CHECKOUT / "spin.toml"),
        *("--listen", f"{address.host}:{port}"),
        *("--runtime-config-file", CHECKOUT / "runtime-config.toml"),
        # Without a folder for its state Spin keeps no logs of its own, which would never end: what
        # components print is in its output.
        *("--state-dir", ""),
    )
    env = variables(settings)
    return Process("spin-api", "components", command, (port,), "INT", env, address.text)


def separate(
    runtime: str,
    ports: Mapping[str, int],
    settings: Mapping[str, Mapping[str, str]],
    address: Address = LOOPBACK,
) -> list[Process]:
    """One process for each API, on a runtime that is not Spin. `address` is counter-api's."""
    if runtime == "wasmtime":
        return wasmtime(ports, settings, address)
    return cast(list[Process], importlib.import_module(runtime).processes(ports, settings))


def extension(runtime: str, name: str) -> Callable[..., list[Process]] | None:
    """A function of a runtime that is a module, None where it has none of that name."""
    if "." not in runtime:
        return None
    return getattr(importlib.import_module(runtime), name, None)


def wasmtime(
    ports: Mapping[str, int],
    settings: Mapping[str, Mapping[str, str]],
    address: Address = LOOPBACK,
) -> list[Process]:
    """One `wasmtime serve` for each API. People reach the shop through counter-api: it alone
    listens on `address`."""
    components = wasm.build("aot")
    return [
        serve(
            f"{api}-api",
            components[resources.program(api)],
            ports[api],
            environment(given),
            address if api == "counter" else LOOPBACK,
        )
        for api, given in settings.items()
    ]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """An API's settings as environment variables."""
    return {f"COFFEESHOP_{name.upper()}": value for name, value in given.items()}


RUN_FLAGS = (
    # A guest's log line is one JSON object, and one write.
    "--no-logging-prefix",
    # The rest waits for its turn. Each request that comes while every instance begins one begins
    # another instance: unbounded, 64 connections made 47 of them and 512 a collapse. 32 at a time
    # took twice the memory of 16, and more posts were refused (docs/performance/notebook.md).
    *("--max-concurrent-requests", "16"),
    # With 128 requests for each instance, the default, more than half of what the menu's answers
    # cost was to begin and to drop instances. One grows by 2 KB with each order that it places: by
    # 4 MB at most.
    *("--max-instance-reuse-count", "2000"),
)
"""Of `wasmtime serve` alone, beside `wasm.SERVE_FLAGS`, which are of `wasmtime compile` too."""


def serve(
    name: str, component: Path, port: int, env: Mapping[str, str], address: Address = LOOPBACK
) -> Process:
    """`wasmtime serve` of a component that was compiled ahead of time."""
    command: tuple[str | Path, ...] = (
        *(programs.wasmtime(), "serve", "--allow-precompiled", *wasm.SERVE_FLAGS),
        *RUN_FLAGS,
        *("--addr", f"{address.host}:{port}"),
        # Without a value: it is taken from the runtime's own environment.
        *_flags("--env", env),
        component,
    )
    # At an interrupt it finishes the requests in flight.
    return Process(name, "components", command, (port,), "INT", env, address.text)


def _flags(flag: str, values: Iterable[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]
