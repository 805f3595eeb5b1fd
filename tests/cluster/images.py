"""The images of the cluster, each made here: none is pulled."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from scripts.base import cache
from scripts.base.checkout import CHECKOUT
from scripts.build import images
from scripts.provision import programs
from tests.cluster import binaries

DOCKERFILES = Path(__file__).resolve().parent / "images"


def all_archives() -> list[Path]:
    """An archive for each image that the test deploys. Raises `Failure`."""
    return [images.make("wasmtime").archive, *(_archive(*image) for image in _programs())]


def spin_archive() -> Path:
    return images.make("spin").archive


def own_archives() -> list[Path]:
    """What a cluster of somebody else's cannot pull: the shop's images and the intruders'."""
    intruder = _archive("localhost/intruder:1", binaries.intruder(), "program")
    return [*(images.make(name).archive for name in images.NAMES), intruder]


def _programs() -> Iterator[tuple[str, Path, str]]:
    """Image name, program, Dockerfile."""
    intruder = binaries.intruder()
    yield "localhost/pause:1", intruder, "pause"  # containerd's own
    yield tag("rancher/mirrored-pause"), intruder, "pause"
    yield "localhost/intruder:1", intruder, "program"
    yield "localhost/coredns:1", binaries.coredns(), "program"
    yield tag("caddy"), binaries.caddy(), "program"
    yield tag("valkey/valkey"), programs.tools().valkey_server, "program"
    folder = binaries.dapr()
    for program in ("daprd", "injector", "operator", "placement", "scheduler", "sentry"):
        yield f"localhost/{program}:{programs.DAPR}", folder / program, "program"


def tag(name: str) -> str:
    """The image with the tag that our manifests give it."""
    for path in (CHECKOUT / "k8s").rglob("kustomization.yaml"):
        for image in yaml.safe_load(path.read_text()).get("images", []):
            if image["name"] == name:
                return f"{name}:{image['newTag']}"
    raise KeyError(name)


def _archive(name: str, program: Path, kind: str) -> Path:
    dockerfile = DOCKERFILES / f"{kind}.Dockerfile"

    def make(folder: Path) -> None:
        target = "pause" if kind == "pause" else program.name
        images.copy_program(program, folder / "root" / target)
        images.write(dockerfile, folder, name, folder / "image.tar")
        shutil.rmtree(folder / "root")

    # What is built is in a folder that is named by what it was built from.
    key = cache.digest([dockerfile], name, str(program))
    return cache.folder("cluster-images", key, make) / "image.tar"
