"""The shop in the cluster, deployed as a user would: three commands."""

import base64
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts import cluster_secrets
from scripts.cache import CHECKOUT, Failure
from tests.cluster.api import Kubectl
from tests.cluster.shop import APIS, NAMESPACE, Shop

K8S = CHECKOUT / "k8s"
SIDECARS = tuple(api.replace("-api", "-sidecar") for api in APIS)
"""The Deployments that only exist where Spin runs the APIs."""


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    return Kubectl(Path(os.environ["KUBECONFIG"]))


@pytest.fixture(scope="module")
def shop(kubectl: Kubectl) -> Iterator[Shop]:
    """On wasmtime."""
    with deployed(kubectl, "wasmtime", APIS) as running:
        yield running


@pytest.fixture(scope="module")
def spin_shop(kubectl: Kubectl) -> Iterator[Shop]:
    """On Spin, through the runtime class."""
    with deployed(kubectl, "local", (*APIS, *SIDECARS)) as running:
        yield running


@contextmanager
def deployed(kubectl: Kubectl, overlay: str, deployments: Sequence[str]) -> Iterator[Shop]:
    begin = time.monotonic()
    kubectl("apply", "-f", K8S / "base" / "namespace.yaml")
    kubectl("apply", "-f", "-", text=cluster_secrets.render(cluster_secrets.draw()))
    kubectl("apply", "-k", K8S / "overlays" / overlay)
    tokens = kubectl.get("-n", NAMESPACE, "secret", "clients")["data"]
    pos, staff = (base64.b64decode(tokens[f"{who}-token"]).decode() for who in ("pos", "staff"))
    running = Shop(kubectl, _entry(kubectl), pos, staff)
    try:
        for name in (
            *(f"deployment/{each}" for each in (*deployments, "entry")),
            "statefulset/valkey",
        ):
            running.rolled_out(name)
    except Failure:
        print(running.kubectl("get", "pods"), running.kubectl("events"), sep="\n")
        raise
    print(
        f"\n  {overlay}: every pod is ready {time.monotonic() - begin:.1f} s after the apply",
        flush=True,
    )
    running.kubectl("apply", "-f", str(CHECKOUT / "tests/cluster/manifests/strangers.yaml"))
    running.kubectl(
        "wait",
        "--for=condition=Ready",
        "pod/stranger",
        "pod/disguised",
        "pod/guest",
        "--timeout=60s",
    )
    assert {pod["metadata"]["name"] for pod in running.pods("sidecar=dapr")} == set(
        _sidecar_pods(running)
    )
    yield running
    begin = time.monotonic()
    kubectl("delete", "-k", K8S / "overlays" / overlay, "--timeout=120s")
    left = kubectl("get", "namespaces", "-o", "name")
    assert f"namespace/{NAMESPACE}" not in left.split()
    print(f"\n  everything is gone {time.monotonic() - begin:.1f} s after the delete", flush=True)


def _sidecar_pods(shop: Shop) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in shop.pods("sidecar=dapr")
        if any(c["name"] == "daprd" for c in pod["spec"]["containers"])
    ]


def _entry(kubectl: Kubectl) -> str:
    if given := os.environ.get("COFFEESHOP_ENTRY"):
        return given
    address: str = kubectl.get("-n", NAMESPACE, "service", "entry")["spec"]["clusterIP"]
    return f"http://{address}"
