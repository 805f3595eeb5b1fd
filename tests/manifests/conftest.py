"""The overlays as kustomize renders them, and an API server that knows their types."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.base.checkout import CHECKOUT
from scripts.stack import resources
from tests.cluster import binaries
from tests.manifests.api_server import ApiServer, running

OVERLAYS = ("local", "plain", "production", "spinkube")


def rendered(folder: Path) -> list[dict[str, Any]]:
    found = subprocess.run(
        [binaries.KUBECTL, "kustomize", folder],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.safe_load_all(found.stdout))


@pytest.fixture(scope="session")
def overlays() -> dict[str, list[dict[str, Any]]]:
    folder = CHECKOUT / "k8s" / "overlays"
    return {overlay: rendered(folder / overlay) for overlay in OVERLAYS}


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """With the types of Dapr, SpinKube and KEDA, and with what pods are checked against."""
    folder: Path = tmp_path_factory.mktemp("kubernetes")
    with running(folder) as server:
        for crds in binaries.crds():
            server.kubectl("apply", "--server-side", "-f", crds)
        server.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        k8s = CHECKOUT / "k8s"
        runtime_class = k8s / "components" / "runtime-class" / "runtime-class.yaml"
        server.kubectl("apply", "-f", k8s / "base" / "namespace.yaml", "-f", runtime_class)
        # No controller runs here that would make each namespace's own.
        server.kubectl("create", "serviceaccount", "default", "-n", "coffeeshop")
        for api in resources.apis():
            server.kubectl("create", "serviceaccount", f"{api}-api", "-n", "coffeeshop")
        yield server
