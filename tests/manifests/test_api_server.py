"""A real API server accepts every overlay with strict fields, and its pods as restricted."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from tests.manifests.api_server import ApiServer
from tests.manifests.conftest import OVERLAYS
from tests.manifests.rules import workloads

Json = dict[str, Any]

FREE = (
    *("labels", "annotations", "matchLabels", "data", "stringData", "requests", "limits"),
    *("podLabels", "selector", "timeouts", "retries", "apps", "components"),
)
"""What is below these has any keys: the rules in rules.py look at those."""
FREE_KINDS = {"ScaledObject": ("metadata",)}
KNOWN_TO_THE_CLIENT = (("apiVersion",), ("kind",), ("metadata",), ("metadata", "namespace"))
"""Without these there is nowhere to send a document."""


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_accepted_with_strict_fields(api_server: ApiServer, overlay: str) -> None:
    folder = CHECKOUT / "k8s" / "overlays" / overlay
    printed = api_server.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-o", "name", "-k", folder
    )
    assert "namespace/coffeeshop" in printed


def fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every field below `value` whose name the type fixes."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key)
            if key not in FREE:
                yield from fields(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from fields(below, (*path, index))


def misspelt(document: Json, path: tuple[str | int, ...]) -> Json:
    changed = copy.deepcopy(document)
    where: Any = changed
    for step in path[:-1]:
        where = where[step]
    key = str(path[-1])
    where[key[:-1] + key[-1] * 2] = where.pop(path[-1])
    return changed


def test_every_misspelt_field_is_refused(
    api_server: ApiServer, overlays: dict[str, list[Json]]
) -> None:
    """Each kind of field once: a second Deployment's `replicas` is no other field."""
    seen = set()
    for document in (d for overlay in OVERLAYS for d in overlays[overlay]):
        kind = document["kind"]
        for path in fields(document):
            if path in KNOWN_TO_THE_CLIENT:
                continue
            if kind in FREE_KINDS and path[-2:-1] == FREE_KINDS[kind]:
                continue
            shape = (kind, tuple("*" if isinstance(step, int) else step for step in path))
            if shape not in seen:
                seen.add(shape)
                assert api_server.dry_run(misspelt(document, path)), shape
    assert len(seen) > 300


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_passes_the_restricted_profile(
    api_server: ApiServer, overlays: dict[str, list[Json]], overlay: str
) -> None:
    for name, template in workloads(overlays[overlay]):
        if any(d["kind"] == "SpinApp" and d["metadata"]["name"] == name for d in overlays[overlay]):
            continue  # its operator makes those pods; that overlay's namespace asks for less
        assert api_server.dry_run(as_pod(name, template)) == "", name


def as_pod(name: str, template: Json) -> Json:
    metadata = {**template["metadata"], "name": name, "namespace": "coffeeshop"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@pytest.mark.parametrize("overlay", ["local", "plain"])
def test_a_container_that_would_run_as_root_is_refused(
    api_server: ApiServer, overlays: dict[str, list[Json]], overlay: str
) -> None:
    for name, template in workloads(overlays[overlay]):
        rooted = copy.deepcopy(template)
        rooted["spec"]["securityContext"]["runAsNonRoot"] = False
        assert "runAsNonRoot" in api_server.dry_run(as_pod(name, rooted))
        rooted = copy.deepcopy(template)
        rooted["spec"]["securityContext"]["runAsUser"] = 0
        assert "runAsUser" in api_server.dry_run(as_pod(name, rooted))


def test_a_misspelt_field_stops_kubectl_too(api_server: ApiServer) -> None:
    service = (CHECKOUT / "k8s" / "base" / "entry" / "service.yaml").read_text()
    with pytest.raises(Failure, match="unknown field"):
        api_server.kubectl(
            *("apply", "--dry-run=server", "--validate=strict", "-f", "-"),
            text=service.replace("targetPort", "targetsPort"),
        )
