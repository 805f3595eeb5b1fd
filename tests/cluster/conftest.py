"""The shop in the cluster, deployed as a user would: three commands."""

import base64
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.operate import cluster_secrets
from tests.cluster.api import Kubectl
from tests.cluster.shop import APIS, NAMESPACE, ClusterShop

K8S = CHECKOUT / "k8s"
FORWARDED = 18_080
"""The local port that leads to the entry of a cluster that is not our own."""
SIDECARS = tuple(api.replace("-api", "-sidecar") for api in APIS)
"""The Deployments that only exist where Spin runs the APIs."""


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    return Kubectl(Path(os.environ["KUBECONFIG"]))


@pytest.fixture(scope="module")
def shop(kubectl: Kubectl) -> Iterator[ClusterShop]:
    """On wasmtime."""
    with deployed(kubectl, "plain", APIS) as running:
        yield running


@pytest.fixture(scope="module")
def spin_shop(kubectl: Kubectl) -> Iterator[ClusterShop]:
    """On Spin, through the runtime class."""
    with deployed(kubectl, "local", (*APIS, *SIDECARS)) as running:
        yield running


@contextmanager
def deployed(kubectl: Kubectl, overlay: str, deployments: Sequence[str]) -> Iterator[ClusterShop]:
    begin = time.monotonic()
    kubectl("apply", "-f", K8S / "base" / "namespace.yaml")
    kubectl("apply", "-f", "-", text=cluster_secrets.render(cluster_secrets.draw()))
    kubectl("apply", "-k", K8S / "overlays" / overlay)
    tokens = kubectl.get("-n", NAMESPACE, "secret", "clients")["data"]
    pos, staff = (base64.b64decode(tokens[f"{who}-token"]).decode() for who in ("pos", "staff"))
    with _entry(kubectl) as entry:
        running = ClusterShop(kubectl, entry, pos, staff)
        _wait_until_ready(running, deployments)
        seconds = time.monotonic() - begin
        print(f"\n  {overlay}: every pod is ready {seconds:.1f} s after the apply", flush=True)
        _start_intruders(running)
        yield running
    begin = time.monotonic()
    kubectl("delete", "-k", K8S / "overlays" / overlay, "--timeout=120s")
    left = kubectl("get", "namespaces", "-o", "name")
    assert f"namespace/{NAMESPACE}" not in left.split()
    print(f"\n  everything is gone {time.monotonic() - begin:.1f} s after the delete", flush=True)


def _wait_until_ready(running: ClusterShop, deployments: Sequence[str]) -> None:
    try:
        for name in (*deployments, "entry"):
            running.rolled_out(f"deployment/{name}")
        running.rolled_out("statefulset/valkey")
    except Failure:
        print(running.kubectl("get", "pods"), running.kubectl("events"), sep="\n")
        raise


def _start_intruders(running: ClusterShop) -> None:
    running.kubectl("apply", "-f", str(CHECKOUT / "tests/cluster/manifests/intruders.yaml"))
    names = [f"pod/{name}" for name in ("intruder", "disguised", "guest")]
    running.kubectl("wait", "--for=condition=Ready", *names, "--timeout=60s")
    assert {pod["metadata"]["name"] for pod in running.pods("sidecar=dapr")} == set(
        _sidecar_pods(running)
    )


def _sidecar_pods(shop: ClusterShop) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in shop.pods("sidecar=dapr")
        if any(c["name"] == "daprd" for c in pod["spec"]["containers"])
    ]


@contextmanager
def _entry(kubectl: Kubectl) -> Iterator[str]:
    """The address of the HTTP entry: in our own node the Service's, elsewhere a way there."""
    if "COFFEESHOP_NODE" in os.environ:
        address: str = kubectl.get("-n", NAMESPACE, "service", "entry")["spec"]["clusterIP"]
        yield f"http://{address}"
        return
    stop = threading.Event()
    thread = threading.Thread(target=_forward, args=(kubectl, stop))
    thread.start()
    try:
        yield f"http://127.0.0.1:{FORWARDED}"
    finally:
        stop.set()
        thread.join()


def _forward(kubectl: Kubectl, stop: threading.Event) -> None:
    """Keep a way to the entry open; it leads to one pod, and ends with it."""
    command = ("-n", NAMESPACE, "port-forward", "service/entry", f"{FORWARDED}:80")
    while not stop.wait(0.5):
        with kubectl.running(*command) as forwarding:
            while forwarding.poll() is None and not stop.wait(0.2):
                pass
            forwarding.terminate()
