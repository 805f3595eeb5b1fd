"""A kube-apiserver and its etcd on loopback, with nothing behind them: they judge manifests."""

import contextlib
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import trustme

from scripts.base.console import Failure
from tests.cluster import binaries
from tests.cluster.api import Kubectl, write_kubeconfig

Json = dict[str, Any]

TOKEN = "of-this-test"
PLURALS: dict[str, str] = {}


@dataclass(frozen=True)
class ApiServer:
    kubectl: Kubectl
    client: httpx.Client

    def dry_run(self, document: Json) -> str:
        """Why the API server refuses the document, with strict fields; empty if it does not."""
        resource = self._resource(document)
        answer = self.client.post(
            resource,
            params={"dryRun": "All", "fieldValidation": "Strict"},
            json=document,
        )
        # What exists already was understood all the same.
        return "" if answer.is_success or answer.status_code == 409 else answer.json()["message"]

    def _resource(self, document: Json) -> str:
        version, kind = document["apiVersion"], document["kind"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        key = f"{version}/{kind}"
        if key not in PLURALS:
            for found in self.client.get(base).json()["resources"]:
                if "/" not in found["name"]:
                    PLURALS[f"{version}/{found['kind']}"] = found["name"]
                    PLURALS[f"{version}/{found['kind']}/namespaced"] = str(found["namespaced"])
        if PLURALS[f"{key}/namespaced"] == "True":
            base += f"/namespaces/{document['metadata']['namespace']}"
        return f"{base}/{PLURALS[key]}"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """The API server; it has ended when the context ends."""
    programs = binaries.api_server()
    port, etcd, peers = (free_port() for _ in range(3))
    authority = trustme.CA()
    served = authority.issue_cert("127.0.0.1", "localhost")
    served.private_key_and_cert_chain_pem.write_to_path(folder / "serving.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    served.private_key_pem.write_to_path(folder / "accounts.key")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    etcd_url, peer_url = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peers}"
    commands: dict[str, list[str | Path]] = {
        "etcd": [
            *(programs / "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync"),
            *("--listen-client-urls", etcd_url, "--advertise-client-urls", etcd_url),
            *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
            *("--initial-cluster", f"default={peer_url}", "--log-level", "warn"),
        ],
        "kube-apiserver": [
            *(programs / "kube-apiserver", "--etcd-servers", etcd_url),
            *("--bind-address", "127.0.0.1", "--secure-port", str(port)),
            *("--advertise-address", "127.0.0.1", "--service-cluster-ip-range", "10.96.0.0/16"),
            *("--tls-cert-file", folder / "serving.pem"),
            *("--tls-private-key-file", folder / "serving.pem"),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-account-key-file", folder / "accounts.key"),
            *("--service-account-signing-key-file", folder / "accounts.key"),
            *("--token-auth-file", folder / "tokens.csv", "--authorization-mode", "RBAC"),
            *("--cert-dir", folder / "certificates", "--endpoint-reconciler-type", "none"),
        ],
    }
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("w"))
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            stack.callback(_end, process)
        trusted = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        url = f"https://127.0.0.1:{port}"
        client = stack.enter_context(
            httpx.Client(
                base_url=url,
                verify=trusted,
                headers={"authorization": f"Bearer {TOKEN}"},
                timeout=30,
            )
        )
        _wait_until_ready(client, folder / "kube-apiserver.log")
        kubeconfig = write_kubeconfig(folder / "kubeconfig", url, folder / "ca.pem", TOKEN)
        yield ApiServer(Kubectl(kubeconfig), client)


def _wait_until_ready(client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").is_success:
                return
        if time.monotonic() > deadline:
            raise Failure(f"kube-apiserver is not ready after 90 s: see {log}")
        time.sleep(0.2)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
