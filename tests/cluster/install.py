"""What a cluster has before the shop comes: names, volumes, Dapr's control plane."""

import contextlib
import os
import re
import time
from pathlib import Path
from typing import Any

import yaml

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure, say
from scripts.base.tools import run
from scripts.provision import programs
from tests.cluster import binaries
from tests.cluster.node import Node

Json = dict[str, Any]

MANIFESTS = Path(__file__).resolve().parent / "manifests"
K8S = CHECKOUT / "k8s"
DAPR = "dapr-system"
SERVICES = ("dapr-sentry", "dapr-operator", "dapr-sidecar-injector")
STATEFUL = ("dapr-placement-server", "dapr-scheduler-server")


def install(node: Node) -> None:
    """Raises `Failure`."""
    kubectl = node.kubectl
    kubectl("apply", "-f", MANIFESTS / "coredns.yaml", "-f", MANIFESTS / "storage.yaml")
    kubectl("apply", "-f", "-", text=yaml.safe_dump_all(_volumes(node)))
    kubectl("apply", "--server-side", "-f", binaries.dapr_chart() / "crds")
    kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    kubectl("create", "namespace", DAPR)
    control_plane = list(yaml.safe_load_all(node.file("dapr.yaml").read_text()))
    # Dapr's services crash once and back off when their own Configuration comes after them.
    first = [d for d in control_plane if d["kind"] == "Configuration"]
    kubectl("apply", "-f", "-", text=yaml.safe_dump_all(first))
    kubectl("apply", "-f", "-", text=yaml.safe_dump_all(control_plane))
    wait_for_dapr(node.kubectl)
    kubectl("apply", "-f", K8S / "base" / "namespace.yaml")
    _wait_until_injected(node)
    say("Dapr's control plane runs.")


def wait_for_dapr(kubectl: Any) -> None:
    kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s")
    for kind, names in (("deployment", SERVICES), ("statefulset", STATEFUL)):
        for name in names:
            kubectl("-n", DAPR, "rollout", "status", f"{kind}/{name}", "--timeout=120s")


def _wait_until_injected(node: Node) -> None:
    """The injector's and the conversion webhook's Services answer after their pods are ready."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(Failure):
            created = ("create", "--dry-run=server", "-f", MANIFESTS / "gate.yaml")
            names = node.kubectl(*created, "-o", "jsonpath={.spec.containers[*].name}")
            if "daprd" in names:
                return
        if time.monotonic() > deadline:
            raise Failure("Dapr does not inject sidecars: see dapr-sidecar-injector's log")
        time.sleep(0.2)


def _volumes(node: Node) -> list[Json]:
    """A folder for each claim that will be made: Valkey's, in each overlay, and the scheduler's."""
    volumes = []
    for name in ("valkey", "scheduler", *(["valkey-spin"] if node.shims else [])):
        folder = node.file(f"volumes/{name}")
        folder.mkdir()
        os.chown(folder, 65532, 65532)
        volumes.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": name},
                "spec": {
                    "capacity": {"storage": "100Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "folders",
                    "hostPath": {"path": str(folder)},
                    "persistentVolumeReclaimPolicy": "Retain",
                },
            }
        )
    return volumes


def render_dapr(target: Path) -> None:
    """Dapr's chart with the values that users give it, and images that are here."""
    here = f"global.registry=localhost,global.tag={programs.DAPR},global.imagePullPolicy=Never"
    rendered = run(
        "Rendering Dapr's chart",
        [
            *(binaries.helm() / "helm", "template", "dapr", binaries.dapr_chart()),
            *("-n", DAPR, "--kube-version", binaries.KUBERNETES_VERSION),
            *("-f", K8S / "dapr-values.yaml", "--set", here),
        ],
    )
    documents = [document for document in yaml.safe_load_all(rendered) if document]
    for document in documents:
        if document["kind"] == "StatefulSet" and document["metadata"]["name"] == STATEFUL[1]:
            _alone(document["spec"])
    target.write_text(yaml.safe_dump_all(documents))


def _alone(scheduler: Json) -> None:
    """The chart fixes three schedulers; one node needs one."""
    scheduler["replicas"] = 1
    args = scheduler["template"]["spec"]["containers"][0]["args"]
    args[:] = [re.sub(r"^(dapr-scheduler-server-0=[^,]*),.*", r"\1", arg) for arg in args]
