"""Enforces the cluster's NetworkPolicies on its one node: reads them, writes an nftables table.

Made for testing our policies (no enforcer exists as a Go module that builds); not a
reference. A new pod is unprotected until the next reading.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from tests.cluster.policies import Pod, applying, is_peer

Json = dict[str, Any]
PERIOD_SECONDS = 0.5


def ruleset(pods: list[Pod], policies: list[Json], namespaces: dict[str, Json]) -> str:
    """A chain for each pod and direction that a policy selects; what it does not allow is dropped.

    Egress is also checked on its way to the node itself, which pods could reach otherwise.
    """
    chains: list[str] = []
    jumps: dict[str, list[str]] = {"Ingress": [], "Egress": []}
    for pod in pods:
        for direction, own, other, peers in (
            ("Ingress", "daddr", "saddr", "from"),
            ("Egress", "saddr", "daddr", "to"),
        ):
            selected = applying(policies, pod, direction)
            if not selected:
                continue
            allowed = [
                f"{who} {port} return"
                for policy in selected
                for rule in policy["spec"].get(direction.lower()) or []
                for who in _peers(policy, rule.get(peers), pods, namespaces, other)
                for port in _ports(rule.get("ports"), [pod] if direction == "Ingress" else pods)
            ]
            chain = f"{direction.lower()}_{pod.address.replace('.', '_')}"
            chains.append("\n".join((f"chain {chain} {{", *allowed, "counter drop", "}")))
            jumps[direction].append(f"ip {own} {pod.address} jump {chain}")
    hook = "type filter hook {} priority -5; policy accept; ct state established,related accept"
    return "\n".join(
        (
            *("add table ip netpol", "delete table ip netpol", "table ip netpol {", *chains),
            *(
                "chain forwarded {",
                hook.format("forward"),
                *jumps["Egress"],
                *jumps["Ingress"],
                "}",
            ),
            *("chain to_node {", hook.format("input"), *jumps["Egress"], "}", "}"),
        )
    )


def _peers(
    policy: Json, peers: list[Json] | None, pods: list[Pod], namespaces: dict[str, Json], side: str
) -> Iterator[str]:
    if not peers:
        yield ""
        return
    addresses: set[str] = set()
    for peer in peers:
        if "ipBlock" in peer:
            yield f"ip {side} {peer['ipBlock']['cidr']}"
        addresses |= {pod.address for pod in pods if is_peer(policy, peer, pod, namespaces)}
    if addresses:
        yield f"ip {side} {{ {', '.join(sorted(addresses))} }}"


def _ports(ports: list[Json] | None, targets: list[Pod]) -> Iterator[str]:
    if not ports:
        yield ""
    for entry in ports or []:
        protocol, port = entry.get("protocol", "TCP").lower(), entry["port"]
        named = {target.ports.get(port) for target in targets} if isinstance(port, str) else {port}
        yield from (f"{protocol} dport {number}" for number in named if number)


def read_pods(api: Api) -> Iterator[Pod]:
    for pod in api.get("/api/v1/pods")["items"]:
        spec, status = pod["spec"], pod["status"]
        if status.get("podIP") and not spec.get("hostNetwork") and status["phase"] != "Succeeded":
            ports = {
                port["name"]: port["containerPort"]
                for container in spec["containers"]
                for port in container.get("ports") or []
                if "name" in port
            }
            metadata = pod["metadata"]
            yield Pod(metadata["namespace"], metadata.get("labels") or {}, ports, status["podIP"])


def main(kubeconfig: Path) -> None:
    applied = ""
    with Api(kubeconfig) as api:
        while True:
            try:
                namespaces = {
                    namespace["metadata"]["name"]: namespace["metadata"].get("labels") or {}
                    for namespace in api.get("/api/v1/namespaces")["items"]
                }
                policies = api.get("/apis/networking.k8s.io/v1/networkpolicies")["items"]
                wanted = ruleset(list(read_pods(api)), policies, namespaces)
                if wanted != applied:
                    subprocess.run(["nft", "-f", "-"], input=wanted, text=True, check=True)
                    applied = wanted
            except (api.Error, subprocess.CalledProcessError) as error:
                print("will try again:", error, flush=True)
            time.sleep(PERIOD_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
