"""The programs of a Kubernetes cluster, built once from pinned Go modules and cached."""

import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts import cache, provision
from scripts.cache import CHECKOUT, run

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
    return build("kubernetes", KUBERNETES, {**packages, **others}, flags)


def build(name: str, module: Path, packages: Mapping[str, str], flags: str = "") -> Path:
    """A folder with these programs of the module, each named and built from its package."""
    sources = [file for file in module.iterdir() if file.suffix in (".go", ".mod", ".sum")]

    def make(folder: Path) -> None:
        for program, package in packages.items():
            run(
                f"Building {program} once (some minutes)",
                [
                    *(provision.go(), "build", "-trimpath", "-mod=readonly", "-buildvcs=false"),
                    *("-ldflags", f"-s -w {flags}", "-o", folder / program, package),
                ],
                cwd=module,
                env=GO,
            )

    key = cache.digest(sources, *packages, flags)
    return cache.folder(name, key, make)


@functools.cache
def module_source(module: Path, path: str) -> Path:
    """The folder of a module's sources, at the version that go.mod pins, from Go's own cache."""
    printed = run(
        f"Fetching {path}",
        [provision.go(), "mod", "download", "-json", path],
        cwd=module,
        env=GO,
    )
    return Path(json.loads(printed)["Dir"])


GO = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"}

DAPR = CHECKOUT / "scripts" / "daprd"

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
