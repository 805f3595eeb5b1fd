"""The cluster's API over HTTP, and kubectl for what users do with it."""

import json
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from scripts.base.console import Failure
from tests.cluster import binaries

Json = dict[str, Any]


class Api:
    """Reading with the kubeconfig's token, which our own cluster has."""

    Error = httpx.HTTPError

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        token = config["users"][0]["user"]["token"]
        self._client = httpx.Client(
            base_url=cluster["server"],
            verify=context,
            headers={"authorization": f"Bearer {token}"},
            timeout=10,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str) -> Json:
        answer = self._client.get(path)
        answer.raise_for_status()
        found: Json = answer.json()
        return found


class Kubectl:
    """kubectl with a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str | Path, text: str | None = None) -> str:
        """What it prints. Raises `Failure` with its complaint."""
        done = subprocess.run(
            [binaries.KUBECTL, "--kubeconfig", self.kubeconfig, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise Failure(f"kubectl {' '.join(map(str, arguments[:4]))}: {said}")
        return done.stdout

    def running(self, *arguments: str) -> subprocess.Popen[bytes]:
        """One that goes on until it is ended; what it says is not kept."""
        command: list[str | Path] = [binaries.KUBECTL, "--kubeconfig", self.kubeconfig, *arguments]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(self, *arguments: str) -> Json:
        found: Json = json.loads(self("get", *arguments, "-o", "json"))
        return found


def write_kubeconfig(path: Path, server: str, authority: Path, token: str) -> Path:
    cluster: Mapping[str, str] = {"server": server, "certificate-authority": str(authority)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": dict(cluster)}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    path.write_text(yaml.safe_dump(config))
    return path
