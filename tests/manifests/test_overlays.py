"""Each overlay is right; and each mistake that the rules are for is found when it is made."""

import copy
import fnmatch
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from coffeeshop.callers import SIDECAR
from scripts.base.checkout import CHECKOUT
from scripts.build.entry import CADDYFILE, render
from scripts.build.manifest import NOT_PUBLIC, routes
from scripts.describe import descriptions
from scripts.stack import resources
from scripts.stack.runtime import APIS
from tests.manifests.conftest import OVERLAYS, rendered
from tests.manifests.rules import broken

Json = dict[str, Any]
Documents = list[Json]
Overlays = dict[str, Documents]


def find(documents: Documents, kind: str, name: str) -> Json:
    return next(d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))


def pod(documents: Documents, name: str) -> Json:
    template: Json = find(documents, "Deployment", name)["spec"]["template"]
    return template


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_breaks_no_rule(overlays: Overlays, overlay: str) -> None:
    assert broken(overlays[overlay]) == []


def service_selector(documents: Documents) -> None:
    find(documents, "Service", "counter-api")["spec"]["selector"]["app.kubernetes.io/name"] = "x"


def policy_selector(documents: Documents) -> None:
    spec = find(documents, "NetworkPolicy", "entry")["spec"]
    spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"] = "door"


def budget_selector(documents: Documents) -> None:
    find(documents, "PodDisruptionBudget", "entry")["spec"]["selector"]["matchLabels"] = {"a": "b"}


def service_port(documents: Documents) -> None:
    find(documents, "Service", "kitchen-api")["spec"]["ports"][0]["targetPort"] = "https"


def subscription_route(documents: Documents) -> None:
    subscription = find(documents, "Subscription", "barista-order-placed")
    subscription["spec"]["routes"]["default"] = "/dapr_subscribe_BaristaOrder"


def cron_route(documents: Documents) -> None:
    metadata = find(documents, "Component", "sweep")["spec"]["metadata"]
    next(item for item in metadata if item["name"] == "route")["value"] = "/sweep"


def no_dead_letters(documents: Documents) -> None:
    del find(documents, "Subscription", "barista-order-placed")["spec"]["deadLetterTopic"]


def scope_of_nobody(documents: Documents) -> None:
    find(documents, "Component", "counter-store")["scopes"] = ["counter"]


def publishing_scope_of_nobody(documents: Documents) -> None:
    for item in find(documents, "Component", "pubsub")["spec"]["metadata"]:
        if item["name"] == "publishingScopes":
            item["value"] += ";waiter-api=barista_order_placed"


def no_scope(documents: Documents) -> None:
    del find(documents, "Component", "kitchen-store")["scopes"]


def open_access_control(documents: Documents) -> None:
    control = find(documents, "Configuration", "coffeeshop")["spec"]["accessControl"]
    control["defaultAction"] = "allow"


def hidden_operation(documents: Documents) -> None:
    control = find(documents, "Configuration", "coffeeshop")["spec"]["accessControl"]
    operations = control["policies"][0]["operations"]
    operations.append({"name": "/v1/api/kitchen/unavailable", "httpVerb": ["GET"]})


def undeclared_secret(documents: Documents) -> None:
    for variable in pod(documents, "counter-api")["spec"]["containers"][0]["env"]:
        if "valueFrom" in variable:
            variable["valueFrom"]["secretKeyRef"]["name"] = "counter-tokens"


def undeclared_key(documents: Documents) -> None:
    find(documents, "Component", "pubsub")["spec"]["metadata"][0]["secretKeyRef"]["key"] = "url"


def no_token(documents: Documents) -> None:
    del pod(documents, "barista-sidecar")["metadata"]["annotations"]["dapr.io/api-token-secret"]


def secret_in_a_file(documents: Documents) -> None:
    documents.append({"kind": "Secret", "metadata": {"name": "clients"}, "stringData": {"a": "b"}})


def sidecar_in_a_spin_pod(documents: Documents) -> None:
    given = pod(documents, "counter-sidecar")["metadata"]["annotations"]
    pod(documents, "counter-api")["metadata"]["annotations"] = given


def no_capability(documents: Documents) -> None:
    container = pod(documents, "product-api")["spec"]["containers"][0]
    del container["securityContext"]["capabilities"]["add"]


def third_party_at_a_sidecar(documents: Documents) -> None:
    find(documents, "NetworkPolicy", "barista-sidecar")["spec"]["ingress"][0]["from"] = []


def other_api_at_a_sidecar(documents: Documents) -> None:
    policy = find(documents, "NetworkPolicy", "barista-sidecar")["spec"]
    del policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
    policy = find(documents, "NetworkPolicy", "kitchen-api")["spec"]
    del policy["egress"][0]["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]


def metrics_port_open(documents: Documents) -> None:
    del find(documents, "NetworkPolicy", "counter-sidecar")["spec"]["ingress"][0]["ports"]
    del find(documents, "NetworkPolicy", "counter-api")["spec"]["egress"][0]["ports"]


def no_default_deny(documents: Documents) -> None:
    for name in ("default-deny", "product-api", "from-entry"):
        documents.remove(find(documents, "NetworkPolicy", name))


def misspelt_variable(documents: Documents) -> None:
    for variable in pod(documents, "counter-api")["spec"]["containers"][0]["env"]:
        if variable["name"] == "SPIN_VARIABLE_ID_SECRET":
            variable["name"] = "SPIN_VARIABLE_ID_SECRETS"


def forgotten_variable(documents: Documents) -> None:
    env = pod(documents, "product-api")["spec"]["containers"][0]["env"]
    env[:] = [variable for variable in env if variable["name"] != "SPIN_VARIABLE_ID_SECRET"]


def wrong_component(documents: Documents) -> None:
    env = pod(documents, "barista-api")["spec"]["containers"][0]["env"]
    next(v for v in env if v["name"] == "SPIN_COMPONENTS_TO_RETAIN")["value"] = "kitchen-api"


def wrong_health_path(documents: Documents) -> None:
    container = pod(documents, "barista-api")["spec"]["containers"][0]
    container["readinessProbe"]["httpGet"]["path"] = "/healthz"


def misspelt_annotation(documents: Documents) -> None:
    annotations = pod(documents, "barista-sidecar")["metadata"]["annotations"]
    annotations["dapr.io/log-json"] = annotations.pop("dapr.io/log-as-json")


def scheduler_that_is_waited_for(documents: Documents) -> None:
    del pod(documents, "counter-sidecar")["metadata"]["annotations"][
        "dapr.io/scheduler-host-address"
    ]


def whole_control_plane(documents: Documents) -> None:
    for rule in find(documents, "NetworkPolicy", "control-plane")["spec"]["egress"]:
        del rule["to"][0]["podSelector"], rule["ports"]


def no_sentry(documents: Documents) -> None:
    del find(documents, "NetworkPolicy", "control-plane")["spec"]["egress"][0]


def service_of_dapr(documents: Documents) -> None:
    find(documents, "Service", "barista-api")["metadata"]["name"] = "barista-api-dapr"


SABOTAGES: dict[Callable[[Documents], None], str] = {
    service_selector: "selectors_match",
    policy_selector: "selectors_match",
    budget_selector: "selectors_match",
    service_port: "service_ports_exist",
    subscription_route: "subscriptions_lead_to_routes",
    cron_route: "subscriptions_lead_to_routes",
    no_dead_letters: "dead_letters_are_kept",
    scope_of_nobody: "scopes_exist",
    publishing_scope_of_nobody: "scopes_exist",
    no_scope: "scopes_exist",
    open_access_control: "configurations_exist",
    hidden_operation: "configurations_exist",
    undeclared_secret: "secrets_are_declared",
    undeclared_key: "secrets_are_declared",
    no_token: "secrets_are_declared",
    secret_in_a_file: "secrets_are_declared",
    sidecar_in_a_spin_pod: "spin_pods_have_no_sidecar",
    no_capability: "spin_keeps_one_capability",
    third_party_at_a_sidecar: "only_its_api_reaches_a_sidecar",
    other_api_at_a_sidecar: "only_its_api_reaches_a_sidecar",
    metrics_port_open: "only_its_api_reaches_a_sidecar",
    no_default_deny: "apis_are_reached_by_sidecar_and_entry_alone",
    misspelt_variable: "variables_exist",
    forgotten_variable: "variables_exist",
    wrong_component: "components_exist",
    wrong_health_path: "health_paths_are_the_components_own",
    misspelt_annotation: "annotations_are_daprs",
    scheduler_that_is_waited_for: "sidecars_need_sentry_and_operator_alone",
    whole_control_plane: "sidecars_need_sentry_and_operator_alone",
    no_sentry: "sidecars_need_sentry_and_operator_alone",
    service_of_dapr: "names_of_dapr_are_free",
}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda s: s.__name__)
def test_a_mistake_is_found(overlays: Overlays, sabotage: Callable[[Documents], None]) -> None:
    documents = copy.deepcopy(overlays["local"])
    sabotage(documents)
    assert SABOTAGES[sabotage] in {what.partition(":")[0] for what in broken(documents)}


def test_the_entry_is_what_spin_toml_says() -> None:
    assert CADDYFILE.read_text() == render(routes()), "spin.toml changed: run `make entry`"


def test_an_overlay_adds_and_takes_nothing_away() -> None:
    """What runs the APIs is a component: none has to undo what the base or another has done."""
    for path in (CHECKOUT / "k8s").rglob("*.yaml"):
        assert "$patch" not in path.read_text(), path


def test_every_dapr_resource_of_the_local_stack_is_deployed() -> None:
    folder = CHECKOUT / "k8s" / "base" / "dapr"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == files


def leads_to(caddyfile: str, path: str) -> str | None:
    """The API that the entry hands the path to. Caddy's `*` also matches across segments."""
    for api, patterns in re.findall(r"@(\S+) path (.*)", caddyfile):
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns.split()):
            assert f"import api {api}\n" in caddyfile
            return str(api)
    return None


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_entry_leads_to_every_public_route_and_to_no_other(
    overlays: Overlays, overlay: str
) -> None:
    maps = [d for d in overlays[overlay] if d["kind"] == "ConfigMap"]
    caddyfile = next(m for m in maps if "Caddyfile" in m["data"])["data"]["Caddyfile"]
    assert "header_up -dapr-api-token" in caddyfile
    for route in routes():
        path = re.sub(r":\w+", "1", route.path).replace("/...", "/1")
        assert leads_to(caddyfile, path) == (route.component if route.is_public else None), path
    for path in ("/nowhere", "/dapr/subscribe", "/openapi.json"):
        assert leads_to(caddyfile, path) is None, path


def test_what_only_a_sidecar_may_call_is_not_public() -> None:
    """By the APIs' own tables of routes."""
    private = {
        route.path
        for api in APIS
        for route in descriptions.router(api).routes
        if route.caller.name == SIDECAR
    }
    assert {"/job/sweep", "/dapr_subscribe_BaristaOrderUpdated"} <= private
    for path in private:
        assert path.startswith(NOT_PUBLIC), path


@pytest.mark.parametrize(
    ("overlay", "runtime"), [("local", "spin"), ("plain", "wasmtime"), ("spinkube", "spinkube")]
)
def test_an_overlay_with_the_component_by_staff_has_stations_that_make_so(
    overlay: str, runtime: str, tmp_path: Path
) -> None:
    """And breaks no rule; the counter is not told."""
    k8s = Path(os.path.relpath(CHECKOUT / "k8s", tmp_path.resolve()))
    written = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(k8s / "overlays" / overlay)],
        "components": [str(k8s / "components" / "by-staff" / runtime)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(written))
    documents = rendered(tmp_path)
    assert broken(documents) == []
    told = {
        document["metadata"]["name"]
        for document in documents
        if document["kind"] in ("Deployment", "SpinApp") and "by-staff" in yaml.safe_dump(document)
    }
    assert told == {f"{station}-api" for station in resources.stations()}
