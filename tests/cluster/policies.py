"""What NetworkPolicies allow, computed from the policies and the pods: labels in, verdicts out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    namespace: str
    labels: Json
    ports: Json = field(default_factory=dict)
    """Container ports by name."""
    address: str = ""


def selects(selector: Json, labels: Json) -> bool:
    """Whether a label selector matches."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], expression.get("values") or []
        matches = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not matches[expression["operator"]]:
            return False
    return True


def applying(policies: Iterable[Json], pod: Pod, direction: str) -> list[Json]:
    """The policies that select the pod for `Ingress` or `Egress`; none means all is allowed."""
    return [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and selects(policy["spec"].get("podSelector") or {}, pod.labels)
        and direction in policy["spec"]["policyTypes"]
    ]


def is_peer(policy: Json, peer: Json, other: Pod, namespaces: dict[str, Json]) -> bool:
    """Whether one entry of `from` or `to` means this pod. Address blocks mean no pod here."""
    if "ipBlock" in peer:
        return False
    if "namespaceSelector" in peer:
        here = selects(peer["namespaceSelector"], namespaces.get(other.namespace, {}))
    else:
        here = other.namespace == policy["metadata"]["namespace"]
    return here and selects(peer.get("podSelector") or {}, other.labels)


def reaches(
    source: Pod,
    target: Pod,
    port: int,
    policies: Sequence[Json],
    namespaces: dict[str, Json],
) -> bool:
    """Whether a TCP connection from one pod to another's port is allowed on both sides."""
    for pod, other, direction, peers in (
        (source, target, "Egress", "to"),
        (target, source, "Ingress", "from"),
    ):
        selected = applying(policies, pod, direction)
        if selected and not any(
            _allows(policy, rule, peers, other, port, target, namespaces)
            for policy in selected
            for rule in policy["spec"].get(direction.lower()) or []
        ):
            return False
    return True


def _allows(
    policy: Json,
    rule: Json,
    peers: str,
    other: Pod,
    port: int,
    target: Pod,
    namespaces: dict[str, Json],
) -> bool:
    named = rule.get(peers)
    if named and not any(is_peer(policy, peer, other, namespaces) for peer in named):
        return False
    ports = rule.get("ports")
    return not ports or any(
        entry.get("protocol", "TCP") == "TCP"
        and target.ports.get(entry["port"], entry["port"]) == port
        for entry in ports
    )
