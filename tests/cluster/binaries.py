"""The programs of a Kubernetes cluster, built once from pinned Go modules and cached."""

import functools
import json
import sys
from pathlib import Path

from scripts.base.tools import run
from scripts.provision import programs

HERE = Path(__file__).resolve().parent
KUBERNETES = HERE / "kubernetes"
KUBERNETES_VERSION = "1.37.2"


def api_server() -> Path:
    """A folder with kube-apiserver and etcd."""
    etcd = {"etcd": "go.etcd.io/etcd/server/v3"}
    return _kubernetes("kube-apiserver", **etcd)


def _kubernetes(*commands: str, **others: str) -> Path:
    packages = {command: f"k8s.io/kubernetes/cmd/{command}" for command in commands}
    version = "k8s.io/component-base/version"
    flags = " ".join(
        (
            f"-X {version}.gitVersion=v{KUBERNETES_VERSION}",
            f"-X {version}.gitMajor=1 -X {version}.gitMinor=37",
        )
    )
    return programs.go_programs("kubernetes", KUBERNETES, {**packages, **others}, flags)


@functools.cache
def module_source(module: Path, path: str) -> Path:
    """The folder of a module's sources, at the version that go.mod pins, from Go's own cache."""
    printed = run(
        f"Fetching {path}",
        [programs.go(), "mod", "download", "-json", path],
        cwd=module,
        env=programs.GO_ENVIRONMENT,
    )
    return Path(json.loads(printed)["Dir"])


KUBECTL = Path(sys.prefix) / "bin" / "kubectl"
"""From PyPI, in the virtual environment."""

CRDS = HERE / "crds"


def crds() -> list[Path]:
    """The folders of the types that our manifests use beside Kubernetes' own."""
    return [
        module_source(CRDS, "github.com/dapr/dapr") / "charts" / "dapr" / "crds",
        module_source(CRDS, "github.com/spinkube/spin-operator") / "config" / "crd" / "bases",
        module_source(CRDS, "github.com/kedacore/keda/v2") / "config" / "crd" / "bases",
    ]


def node() -> Path:
    """A folder with kubelet, kube-proxy, kube-controller-manager and kube-scheduler."""
    return _kubernetes("kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler")


def coredns() -> Path:
    module = {"coredns": "github.com/coredns/coredns"}
    return programs.go_programs("coredns", HERE / "coredns", module) / "coredns"


def caddy() -> Path:
    module = {"caddy": "github.com/caddyserver/caddy/v2/cmd/caddy"}
    return programs.go_programs("caddy", HERE / "caddy", module) / "caddy"


def helm() -> Path:
    module = {"helm": "helm.sh/helm/v3/cmd/helm"}
    return programs.go_programs("helm", HERE / "helm", module)


def intruder() -> Path:
    return programs.go_programs("intruder", HERE / "intruder", {"intruder": "."}) / "intruder"


def dapr() -> Path:
    """A folder with daprd and the five services of Dapr's control plane."""
    services = ("injector", "operator", "placement", "scheduler", "sentry")
    packages = {service: f"github.com/dapr/dapr/cmd/{service}" for service in services}
    return programs.go_programs(
        "dapr-cluster",
        programs.MODULE,
        {"daprd": "github.com/dapr/dapr/cmd/daprd", **packages},
        programs.DAPR_FLAGS,
        programs.DAPR_TAGS,
    )


def dapr_chart() -> Path:
    return module_source(CRDS, "github.com/dapr/dapr") / "charts" / "dapr"
