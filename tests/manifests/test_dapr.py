"""A real daprd loads every Dapr resource of the cluster, each for the apps it is scoped to."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from scripts.provision import programs
from scripts.stack import resources
from tests.manifests.api_server import free_port
from tests.manifests.rules import APP_IDS, of
from tests.support.waiting import until

Json = dict[str, Any]


class _App(BaseHTTPRequestHandler):
    """Answers 404 to everything, as our APIs do to the sidecar's questions at its start."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def app_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def valkey_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    command = [str(programs.tools().valkey_server), "--bind", "127.0.0.1", "--port", str(port)]
    command += ["--save", "", "--dir", str(tmp_path_factory.mktemp("valkey"))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield port
        process.terminate()


@contextlib.contextmanager
def sidecar(folder: Path, documents: list[Json], app: str, app_port: int) -> Iterator[Path]:
    """daprd for the app with these resources; gives its log. Its API is on the port in
    `folder/port`."""
    resources = folder / "resources"
    resources.mkdir(parents=True)
    for document in of(documents, "Component", "Subscription", "Resiliency"):
        name = f"{document['kind']}-{document['metadata']['name']}.yaml"
        # Namespaces are the cluster's; outside there are none.
        document = {**document, "metadata": {"name": document["metadata"]["name"]}}
        (resources / name).write_text(yaml.safe_dump(document))
    configuration = folder / "configuration.yaml"
    configuration.write_text(yaml.safe_dump(of(documents, "Configuration")[0]))
    port, grpc, internal = free_port(), free_port(), free_port()
    (folder / "port").write_text(str(port))
    command = [
        *(str(programs.tools().daprd), "--app-id", app, "--app-port", str(app_port)),
        *("--resources-path", str(resources), "--config", str(configuration)),
        *("--dapr-listen-addresses", "127.0.0.1", "--dapr-http-port", str(port)),
        *("--dapr-grpc-port", str(grpc), "--dapr-internal-grpc-port", str(internal)),
        *("--dapr-internal-grpc-listen-address", "127.0.0.1", "--enable-metrics=false"),
        *("--scheduler-host-address", "", "--log-as-json", "--dapr-graceful-shutdown-seconds", "1"),
    ]
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield log
        finally:
            process.terminate()
            process.wait(20)


def local_secrets(folder: Path, valkey_port: int) -> Json:
    """In place of the cluster's secret store, which daprd alone cannot ask."""
    host = {"host": f"127.0.0.1:{valkey_port}", "password": ""}
    names = ("pubsub", *resources.stores())
    secrets = {name: {**host, "database": str(n)} for n, name in enumerate(names)}
    path = folder / "secrets.json"
    path.write_text(json.dumps(secrets))
    settings = {"secretsFile": str(path), "nestedSeparator": ":", "multiValued": "true"}
    metadata = [{"name": name, "value": value} for name, value in settings.items()]
    return {
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "kubernetes"},
        "spec": {"type": "secretstores.local.file", "version": "v1", "metadata": metadata},
    }


@pytest.mark.parametrize("app", APP_IDS)
def test_a_sidecar_loads_what_is_scoped_to_its_app(
    tmp_path: Path, overlays: dict[str, list[Json]], app: str, app_port: int, valkey_port: int
) -> None:
    documents = overlays["plain"]
    store = local_secrets(tmp_path, valkey_port)
    components = of(documents, "Component")
    subscriptions = of(documents, "Subscription")
    wanted = {d["metadata"]["name"] for d in components if app in d["scopes"]} | {"kubernetes"}
    topics = {
        (d["spec"]["pubsubname"], d["spec"]["topic"]) for d in subscriptions if app in d["scopes"]
    }
    with sidecar(tmp_path / app, [*documents, store], app, app_port) as log:
        url = f"http://127.0.0.1:{(tmp_path / app / 'port').read_text()}/v1.0/metadata"
        deadline = time.monotonic() + 30
        found: tuple[set[str], set[tuple[str, str]]] = (set(), set())
        while found != (wanted, topics):
            assert time.monotonic() < deadline, (found, wanted, topics, log.read_text()[-2000:])
            time.sleep(0.1)
            with contextlib.suppress(httpx.TransportError):
                told = httpx.get(url).json()
                found = (
                    {component["name"] for component in told["components"]},
                    {(s["pubsubname"], s["topic"]) for s in told.get("subscriptions", [])},
                )
        for document in of(documents, "Resiliency"):
            if app in document["scopes"]:
                assert f"Loading Resiliency configuration: {document['metadata']['name']}" in (
                    log.read_text()
                )


def test_a_component_that_daprd_does_not_know_is_found(
    tmp_path: Path, overlays: dict[str, list[Json]], app_port: int, valkey_port: int
) -> None:
    """So the test above would fail."""
    documents = json.loads(json.dumps(overlays["plain"]))
    for document in of(documents, "Component"):
        if document["metadata"]["name"] == "counter-store":
            document["spec"]["type"] = "state.reddis"
    store = local_secrets(tmp_path, valkey_port)
    with sidecar(tmp_path / "app", [*documents, store], "counter-api", app_port) as log:
        until(lambda: '"level":"fatal"' in log.read_text(), 30, "daprd goes on")
        assert "state.reddis" in log.read_text()
