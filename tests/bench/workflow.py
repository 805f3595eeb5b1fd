"""Dapr Workflow in native Python as a runtime of the stack: `RUNTIME=tests.bench.workflow make up`.

The supervisor, product-api, the stations and the sidecars are those of the other peer; counter-api
is `tests/bench/workflow_peer/`. A workflow is an actor with reminders, so counter-api's sidecar
also gets Dapr's placement service, Dapr's scheduler and an actor state store, which is one more
database of the same Valkey. Only the benchmark builds these two services.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from scripts.provision import programs
from scripts.stack import resources
from scripts.stack.plan import Layout, Ports
from scripts.stack.runtime import Process
from tests.bench import native

DATABASE = 1 + len(resources.stores())
"""Valkey's database of the actors' state: the one after the broker's and the stores'."""
SCHEDULER, PLACEMENT = 3900, 3910
"""The first of each service's ports, in a stack whose ports are not shifted."""


def processes(ports: Mapping[str, int], settings: Mapping[str, Mapping[str, str]]) -> list[Process]:
    """One uvicorn for each API; counter-api's runs the workflows."""
    counter = (sys.executable, "-m", "tests.bench.workflow_peer", str(ports["counter"]))
    return [
        replace(process, command=counter) if process.name == "counter-api" else process
        for process in native.processes(ports, settings)
    ]


def complete(found: list[Process], layout: Layout, ports: Ports) -> list[Process]:
    """The stack's processes, and what workflows need besides. Raises `Failure`."""
    _write_store(layout)
    # The engine watches the orders.
    (layout.run / "dapr" / "sweep.yaml").unlink()
    needed = {process.name: process for process in (*found, *_services(layout, ports.offset))}
    for name, change in (
        ("valkey", ("--databases", str(DATABASE + 1))),
        (
            "counter-sidecar",
            (
                *("--placement-host-address", f"127.0.0.1:{ports.offset + PLACEMENT}"),
                *("--scheduler-host-address", f"127.0.0.1:{ports.offset + SCHEDULER}"),
            ),
        ),
    ):
        needed[name] = replace(needed[name], command=(*needed[name].command, *change))
    app = needed["counter-api"]
    env = {
        **app.env,
        # As Dapr's SDK reads them.
        "DAPR_GRPC_PORT": str(ports.grpc("counter")),
        "DAPR_API_TOKEN": app.env["COFFEESHOP_SIDECAR_TOKEN"],
    }
    needed["counter-api"] = replace(app, env=env)
    return list(needed.values())


def _write_store(layout: Layout) -> None:
    """The actors' state store: counter-api's own store, in another database."""
    folder = layout.run / "dapr"
    store = yaml.safe_load((folder / "counter-store.yaml").read_text())
    store["metadata"]["name"] = "workflow-store"
    metadata = [each for each in store["spec"]["metadata"] if each["name"] != "redisDB"]
    metadata += [
        {"name": "redisDB", "value": str(DATABASE)},
        {"name": "actorStateStore", "value": "true"},
    ]
    store["spec"]["metadata"] = metadata
    (folder / "workflow-store.yaml").write_text(yaml.safe_dump(store))


def _services(layout: Layout, offset: int) -> list[Process]:
    """Dapr's placement service and scheduler, one instance of each, as `dapr init` starts them."""
    built = _built()
    data = layout.data / "scheduler"
    data.mkdir(parents=True, exist_ok=True)
    port, health, metrics, raft = (offset + PLACEMENT + number for number in range(4))
    placement = Process(
        "placement",
        "store",
        (
            built / "placement",
            *_listening(port, health, metrics),
            *("--initial-cluster", f"dapr-placement-0=127.0.0.1:{raft}", "--log-as-json"),
        ),
        (port, health, metrics, raft),
    )
    port, health, metrics, client, peer = (offset + SCHEDULER + number for number in range(5))
    scheduler = Process(
        "scheduler",
        "store",
        (
            built / "scheduler",
            *_listening(port, health, metrics),
            *("--etcd-data-dir", data, "--etcd-client-listen-address", "127.0.0.1"),
            *("--etcd-client-port", str(client)),
            *("--etcd-initial-cluster", f"dapr-scheduler-server-0=http://127.0.0.1:{peer}"),
            *("--override-broadcast-host-port", f"127.0.0.1:{port}", "--log-as-json"),
        ),
        (port, health, metrics, client, peer),
    )
    return [placement, scheduler]


def _listening(port: int, health: int, metrics: int) -> tuple[str, ...]:
    return (
        *("--listen-address", "127.0.0.1", "--port", str(port)),
        *("--healthz-listen-address", "127.0.0.1", "--healthz-port", str(health)),
        *("--metrics-listen-address", "127.0.0.1", "--metrics-port", str(metrics)),
    )


def _built() -> Path:
    """A folder with both services, of the module and version that daprd is built from."""
    packages = {name: f"github.com/dapr/dapr/cmd/{name}" for name in ("placement", "scheduler")}
    return programs.go_programs(
        "dapr-control", programs.MODULE, packages, programs.DAPR_FLAGS, programs.DAPR_TAGS
    )
