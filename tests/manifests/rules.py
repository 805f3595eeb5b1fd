"""What must hold of an overlay as `kubectl apply -k` would send it, and no API server knows.

Each rule takes the rendered documents and names what breaks it.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from coffeeshop.settings import NAMES
from scripts.build import manifest
from scripts.operate.cluster_secrets import REQUIRED
from scripts.stack import resources
from tests.cluster import binaries
from tests.cluster.policies import Pod, reaches, selects

Json = dict[str, Any]
Documents = list[Json]

APP_IDS = tuple(f"{api}-api" for api in resources.apis())
STATIONS = tuple(f"{station}-" for station in resources.stations())
SPIN_CLASS = "wasmtime-spin-v2"
SIDECAR_PORTS = (3500, 3501, 50001, 50002, 9090)
INVOKED_PORT = 50002
NAMESPACE = "coffeeshop"
DAPR_NAMESPACE = "dapr-system"


def of(documents: Documents, *kinds: str) -> list[Json]:
    return [document for document in documents if document["kind"] in kinds]


def workloads(documents: Documents) -> Iterator[tuple[str, Json]]:
    """Name and pod template of everything that makes pods; a SpinApp's as SpinKube makes it."""
    for document in of(documents, "Deployment"):
        yield document["metadata"]["name"], document["spec"]["template"]
    for document in of(documents, "StatefulSet"):
        template = copy.deepcopy(document["spec"]["template"])
        for claim in document["spec"]["volumeClaimTemplates"]:
            name = claim["metadata"]["name"]
            volume = {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-0"}}
            template["spec"]["volumes"].append(volume)
        yield document["metadata"]["name"], template
    for app in of(documents, "SpinApp"):
        spec = app["spec"]
        container = {"name": app["metadata"]["name"], "env": spec["variables"]}
        container["ports"] = [{"name": "http-app", "containerPort": 80}]
        template = {
            "metadata": {"labels": spec["podLabels"]},
            "spec": {"runtimeClassName": SPIN_CLASS, "containers": [container]},
        }
        yield app["metadata"]["name"], template


def annotations(template: Json) -> Json:
    found: Json = template["metadata"].get("annotations") or {}
    return found


def is_injected(template: Json) -> bool:
    return annotations(template).get("dapr.io/enabled") == "true"


def annotations_are_daprs(documents: Documents) -> Iterator[str]:
    """An annotation that Dapr does not know is ignored in silence."""
    source = binaries.module_source(binaries.CRDS, "github.com/dapr/dapr")
    listed = (source / "pkg" / "injector" / "annotations" / "annotations.go").read_text()
    known = set(re.findall(r'"(dapr\.io/[a-z0-9-]+)"', listed))
    for name, template in workloads(documents):
        for annotation in annotations(template):
            if annotation.startswith("dapr.io/") and annotation not in known:
                yield f"{name}: Dapr knows no {annotation}"


CONTROL_PLANE = {
    "dapr-sentry": 50001,
    "dapr-operator": 6500,
    "dapr-placement-server": 50005,
    "dapr-scheduler-server": 50006,
}
"""The services of Dapr's control plane, each with the port of its pods."""
NEEDED = ("dapr-sentry", "dapr-operator")


def sidecars_need_sentry_and_operator_alone(documents: Documents) -> Iterator[str]:
    """A sidecar with the address of a scheduler or a placement service is not healthy before it is
    connected to it (read in daprd 1.18.2), and nothing here has jobs or actors."""
    policies = of(documents, "NetworkPolicy")
    namespaces = {DAPR_NAMESPACE: {"kubernetes.io/metadata.name": DAPR_NAMESPACE}}
    for name, template in workloads(documents):
        if not is_injected(template):
            continue
        for service in ("scheduler", "placement"):
            if annotations(template).get(f"dapr.io/{service}-host-address") != "":
                yield f"{name}: its sidecar waits for the {service} service"
        for service, port in CONTROL_PLANE.items():
            target = Pod(DAPR_NAMESPACE, {"app": service})
            if reaches(_pod(template), target, port, policies, namespaces) != (service in NEEDED):
                yield f"{name} and port {port} of {service}"


def is_spin(template: Json) -> bool:
    return bool(template["spec"].get("runtimeClassName") == SPIN_CLASS)


def labels(template: Json) -> Json:
    found: Json = template["metadata"].get("labels") or {}
    return found


def selectors_match(documents: Documents) -> Iterator[str]:
    """Services, budgets, policies and autoscalers find what they are for."""
    pods = [labels(template) for _, template in workloads(documents)]
    names = {name for name, _ in workloads(documents)}
    for document in of(documents, "Service", "PodDisruptionBudget", "NetworkPolicy"):
        kind, name, spec = document["kind"], document["metadata"]["name"], document["spec"]
        if kind == "Service":
            selector = {"matchLabels": spec["selector"]}
        else:
            selector = spec["podSelector" if kind == "NetworkPolicy" else "selector"]
        if not any(selects(selector, pod) for pod in pods):
            yield f"{kind} {name} selects no pod"
    for policy in of(documents, "NetworkPolicy"):
        for rule in (policy["spec"].get("ingress") or []) + (policy["spec"].get("egress") or []):
            for peer in (rule.get("from") or []) + (rule.get("to") or []):
                if "podSelector" not in peer or "namespaceSelector" in peer:
                    continue
                if not any(selects(peer["podSelector"], pod) for pod in pods):
                    yield f"NetworkPolicy {policy['metadata']['name']} names no pod as peer"
    for scaler in of(documents, "HorizontalPodAutoscaler", "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] not in names:
            yield f"{scaler['kind']} {scaler['metadata']['name']} scales nothing"


def service_ports_exist(documents: Documents) -> Iterator[str]:
    for service in of(documents, "Service"):
        for _, template in workloads(documents):
            if selects({"matchLabels": service["spec"]["selector"]}, labels(template)):
                known = _ports(template)
                for port in service["spec"]["ports"]:
                    target = port.get("targetPort", port["port"])
                    if target not in known and target not in known.values():
                        yield f"Service {service['metadata']['name']}: no port {target}"


def _ports(template: Json) -> Json:
    return {
        port.get("name", str(port["containerPort"])): port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container.get("ports") or []
    }


def subscriptions_lead_to_routes(documents: Documents) -> Iterator[str]:
    """Every route of a subscription and of a cron binding is one of the scoped component."""
    routes = manifest.routes()
    wanted = [
        (subscription, route)
        for subscription in of(documents, "Subscription")
        for route in (
            subscription["spec"]["routes"].get("default"),
            *(rule["path"] for rule in subscription["spec"]["routes"].get("rules") or []),
        )
        if route
    ]
    wanted += [
        (component, item["value"])
        for component in of(documents, "Component")
        if component["spec"]["type"].startswith("bindings.")
        for item in component["spec"]["metadata"]
        if item["name"] == "route"
    ]
    for document, path in wanted:
        for app in document["scopes"]:
            if not any(covers(r.path, path) for r in routes if r.component == app):
                name = document["metadata"]["name"]
                yield f"{document['kind']} {name}: {app} serves no {path}"


def covers(route: str, path: str) -> bool:
    pattern = re.sub(r":\w+", "[^/]+", route).replace("/...", "(/.*)?")
    return re.fullmatch(pattern, path) is not None


def dead_letters_are_kept(documents: Documents) -> Iterator[str]:
    """A delivery that outlives its retries goes somewhere, unless it is a dead letter already."""
    for subscription in of(documents, "Subscription"):
        spec = subscription["spec"]
        if not spec.get("deadLetterTopic") and not spec["topic"].endswith("_dead"):
            yield f"Subscription {subscription['metadata']['name']} has no deadLetterTopic"


def scopes_exist(documents: Documents) -> Iterator[str]:
    """Scopes name apps whose sidecars exist, and what is scoped to nobody is open to all."""
    ids = {annotations(t).get("dapr.io/app-id") for _, t in workloads(documents) if is_injected(t)}
    if ids != set(APP_IDS):
        yield f"sidecars are {sorted(map(str, ids))}"
    for document in of(documents, "Component", "Subscription", "Resiliency"):
        kind, name = document["kind"], document["metadata"]["name"]
        if not document.get("scopes"):
            yield f"{kind} {name} has no scopes"
        for app in document.get("scopes") or []:
            if app not in ids:
                yield f"{kind} {name} is scoped to {app}, which does not exist"
        for item in document["spec"].get("metadata") or [] if kind == "Component" else []:
            if item["name"] in ("publishingScopes", "subscriptionScopes"):
                for part in item["value"].split(";"):
                    if part.partition("=")[0] not in ids:
                        yield f"Component {name}: {item['name']} names {part.partition('=')[0]}"


def configurations_exist(documents: Documents) -> Iterator[str]:
    names = {document["metadata"]["name"] for document in of(documents, "Configuration")}
    for name, template in workloads(documents):
        if is_injected(template) and annotations(template).get("dapr.io/config") not in names:
            yield f"{name}: there is no such Configuration"
    for document in of(documents, "Configuration"):
        control = document["spec"].get("accessControl") or {}
        if control.get("defaultAction") != "deny":
            yield f"Configuration {document['metadata']['name']} allows whom it does not know"
        for policy in control.get("policies") or []:
            yield from _hidden_operations([each["name"] for each in policy["operations"]])


def _hidden_operations(names: list[str]) -> Iterator[str]:
    """Dapr looks no further than to the first operation on a path (pkg/config/acl_trie.go)."""
    for name in names:
        for other in names:
            if name.startswith(f"{other}/"):
                yield f"operation {other} hides {name}"


def references(documents: Documents) -> Iterator[tuple[str, str, str]]:
    """Who refers to which Secret and key; every key where the whole Secret is mounted."""
    for name, template in workloads(documents):
        for key in ("dapr.io/app-token-secret", "dapr.io/api-token-secret"):
            if is_injected(template):
                yield name, annotations(template).get(key, f"{key} is missing"), "token"
        for container in template["spec"]["containers"]:
            for variable in container.get("env") or []:
                reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
                if reference:
                    yield name, reference["name"], reference["key"]
        for volume in template["spec"].get("volumes") or []:
            if "secret" in volume:
                secret = volume["secret"]["secretName"]
                for key in REQUIRED.get(secret, ("missing",)):
                    yield name, secret, key
    for component in of(documents, "Component"):
        for item in component["spec"]["metadata"]:
            if "secretKeyRef" in item:
                reference = item["secretKeyRef"]
                yield component["metadata"]["name"], reference["name"], reference["key"]
    for authentication in of(documents, "TriggerAuthentication"):
        for item in authentication["spec"]["secretTargetRef"]:
            yield authentication["metadata"]["name"], item["name"], item["key"]


def secrets_are_declared(documents: Documents) -> Iterator[str]:
    for who, secret, key in references(documents):
        if key not in REQUIRED.get(secret, ()):
            yield f"{who} needs {key} of Secret {secret}, which is not declared as required"
    for document in of(documents, "Secret"):
        yield f"Secret {document['metadata']['name']} is in a file"


def spin_pods_have_no_sidecar(documents: Documents) -> Iterator[str]:
    for name, template in workloads(documents):
        if is_spin(template) and is_injected(template):
            yield f"{name}: a sidecar in a pod of the Spin class has no environment"


def spin_keeps_one_capability(documents: Documents) -> Iterator[str]:
    """The shim reads an empty set as "keep all": dropping ALL needs one that is added."""
    for document in of(documents, "Deployment"):
        template = document["spec"]["template"]
        if not is_spin(template):
            continue
        for container in template["spec"]["containers"]:
            held = container["securityContext"]["capabilities"]
            if held.get("drop") != ["ALL"] or held.get("add") != ["NET_BIND_SERVICE"]:
                yield f"{document['metadata']['name']}: drop ALL and add NET_BIND_SERVICE"


def only_its_api_reaches_a_sidecar(documents: Documents) -> Iterator[str]:
    """And for invocation counter-api's sidecar the others', and the stations' counter-api's.
    Intruders: one in our namespace, one elsewhere, and every other pod of ours."""
    policies = of(documents, "NetworkPolicy")
    namespaces = {
        n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in of(documents, "Namespace")
    }
    namespaces = {
        name: {"kubernetes.io/metadata.name": name, **namespaces.get(name, {})}
        for name in (NAMESPACE, "default", DAPR_NAMESPACE, "kube-system")
    }
    pods = {name: _pod(template) for name, template in workloads(documents)}
    pods["an intruder"] = Pod(NAMESPACE, {})
    pods["an intruder elsewhere"] = Pod("default", {})
    for name, template in workloads(documents):
        if not is_injected(template):
            continue
        app = annotations(template)["dapr.io/app-id"]
        for other, source in pods.items():
            is_own = source.labels.get("app.kubernetes.io/name") == app
            for port in SIDECAR_PORTS:
                allowed = is_own and port == 3500
                is_sidecar = source.labels.get("sidecar") == "dapr"
                callers = STATIONS if app == "counter-api" else ("counter-",)
                invokes = other.startswith(callers) and is_sidecar and port == INVOKED_PORT
                if reaches(source, pods[name], port, policies, namespaces):
                    if not allowed and not invokes:
                        yield f"{other} reaches port {port} of {name}"
                elif invokes:
                    yield f"{other} cannot invoke {name}"
        own = [p for p in pods.values() if p.labels.get("app.kubernetes.io/name") == app]
        if not any(reaches(p, pods[name], 3500, policies, namespaces) for p in own):
            yield f"{app} cannot reach its sidecar"


def _pod(template: Json) -> Pod:
    return Pod(NAMESPACE, labels(template), _ports(template))


def apis_are_reached_by_sidecar_and_entry_alone(documents: Documents) -> Iterator[str]:
    policies = of(documents, "NetworkPolicy")
    pods = {name: _pod(template) for name, template in workloads(documents)}
    pods["an intruder"] = Pod(NAMESPACE, {})
    for name, api in pods.items():
        if api.labels.get("app.kubernetes.io/component") != "api":
            continue
        port = api.ports["http-app"]
        app = api.labels["app.kubernetes.io/name"]
        for other, source in pods.items():
            is_entry = source.labels.get("app.kubernetes.io/component") == "entry"
            is_sidecar = source.labels.get("sidecar") == "dapr"
            is_own = is_sidecar and source.labels.get("app.kubernetes.io/name") == app
            if reaches(source, api, port, policies, {NAMESPACE: {}}) != (is_entry or is_own):
                yield f"{other} and port {port} of {name}"


def variables_exist(documents: Documents) -> Iterator[str]:
    """Every setting of a container is one that its program knows, and none that it needs lacks."""
    spin = manifest.load()
    known = set(spin["variables"])
    for name, template in workloads(documents):
        app = labels(template).get("app.kubernetes.io/name", "")
        if labels(template).get("app.kubernetes.io/component") != "api":
            continue
        given = {v["name"] for c in template["spec"]["containers"] for v in c.get("env") or []}
        if is_spin(template):
            given = {
                n.removeprefix("SPIN_VARIABLE_").lower()
                for n in given
                if n.startswith("SPIN_VARIABLE_") or n == n.lower()
            }
            # Spin wants every required one, also of components that are not retained.
            needed = {n for n, v in spin["variables"].items() if v.get("required")} | {
                variable
                for value in spin["component"][app]["variables"].values()
                for variable in re.findall(r"{{ (\w+) }}", value)
                if "_sidecar_" in variable
            }
            unknown = given - known
        else:
            given = {n.removeprefix("COFFEESHOP_").lower() for n in given}
            needed = {
                setting
                for setting, value in spin["component"][app]["variables"].items()
                if _is_required(value, spin["variables"])
            }
            unknown = given - set(NAMES)
        for variable in sorted(unknown):
            yield f"{name}: nothing reads {variable}"
        for variable in sorted(needed - given):
            yield f"{name}: {variable} is not set"


def _is_required(value: str, variables: Json) -> bool:
    """Of a setting, by what spin.toml gives it: a text, or a variable that has no default."""
    named = re.findall(r"{{ (\w+) }}", value)
    return not named or any(variables[name].get("required") for name in named)


def health_paths_are_the_components_own(documents: Documents) -> Iterator[str]:
    routes = manifest.routes()
    for name, template in workloads(documents):
        app = labels(template).get("app.kubernetes.io/name")
        paths: list[str | None] = []
        for container in template["spec"]["containers"]:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                paths.append((container.get(probe) or {}).get("httpGet", {}).get("path"))
        for path in filter(None, paths):
            served = any(covers(r.path, path) for r in routes if r.component == app)
            if app in APP_IDS and not served:
                yield f"{name}: {app} does not serve {path}"


def components_exist(documents: Documents) -> Iterator[str]:
    """What a Spin pod is told to run is in spin.toml, and is what its name says."""
    for document in of(documents, "Deployment", "SpinApp"):
        name = document["metadata"]["name"]
        if document["kind"] == "SpinApp":
            retained = document["spec"]["components"]
        elif is_spin(document["spec"]["template"]):
            env = document["spec"]["template"]["spec"]["containers"][0]["env"]
            values = {variable["name"]: variable.get("value") for variable in env}
            retained = [values.get("SPIN_COMPONENTS_TO_RETAIN")]
        else:
            continue
        if retained != [name] or name not in manifest.load()["component"]:
            yield f"{name} would run {retained}"


def names_of_dapr_are_free(documents: Documents) -> Iterator[str]:
    for service in of(documents, "Service"):
        if service["metadata"]["name"].endswith("-dapr"):
            yield f"Service {service['metadata']['name']} belongs to Dapr's operator"


RULES: tuple[Callable[[Documents], Iterator[str]], ...] = (
    selectors_match,
    service_ports_exist,
    subscriptions_lead_to_routes,
    dead_letters_are_kept,
    scopes_exist,
    configurations_exist,
    secrets_are_declared,
    spin_pods_have_no_sidecar,
    spin_keeps_one_capability,
    only_its_api_reaches_a_sidecar,
    apis_are_reached_by_sidecar_and_entry_alone,
    variables_exist,
    annotations_are_daprs,
    sidecars_need_sentry_and_operator_alone,
    health_paths_are_the_components_own,
    components_exist,
    names_of_dapr_are_free,
)


def broken(documents: Documents) -> list[str]:
    """Everything that is wrong with an overlay."""
    return [f"{rule.__name__}: {what}" for rule in RULES for what in rule(documents)]
