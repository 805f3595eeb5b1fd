"""`make images`: the container images of k8s/, with their digests and sizes.

    build/images/spin.tar       spin.toml and the components, for containerd-shim-spin
    build/images/wasmtime.tar   the components with wasmtime, for any cluster

`docker load`, `ctr images import`, `kind load image-archive` and `k3d image import` read them.
Equal files give equal digests. With `--docker`, Docker (23 or later: BuildKit) builds them instead,
from the same Dockerfiles.
"""

import argparse
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.base import cache, console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.base.tools import run
from scripts.build import wasm
from scripts.provision import programs

VERSION = "0.1.0"
OUT = wasm.BUILD / "images"
DOCKERFILES = CHECKOUT / "k8s" / "images"
BUILDER = CHECKOUT / "scripts" / "build" / "imagebuilder"
NAMES = ("spin", "wasmtime")


@dataclass(frozen=True)
class Image:
    """`layers` are compressed sizes in bytes, in the order of the Dockerfile's COPY lines."""

    name: str
    archive: Path
    digest: str
    layers: tuple[int, ...]


def make(name: str) -> Image:
    """Build one of `NAMES` without a daemon. Raises `Failure`."""
    context, files = contexts(name)
    dockerfile = DOCKERFILES / f"{name}.Dockerfile"
    tag = f"coffeeshop/{name}:{VERSION}"

    def build_image(folder: Path) -> None:
        image = write(dockerfile, context, tag, folder / f"{name}.tar")
        (folder / "image.json").write_text(json.dumps([image.digest, image.layers]))

    built = cache.folder("images", cache.digest([dockerfile, *files], tag), build_image)
    digest, layers = json.loads((built / "image.json").read_text())
    archive = OUT / f"{name}.tar"
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(built / archive.name, archive)
    return Image(tag, archive, digest, tuple(layers))


def write(dockerfile: Path, context: Path, tag: str, archive: Path) -> Image:
    """Build the Dockerfile's image into `archive`. Raises `Failure`."""
    builder = programs.go_programs("imagebuilder", BUILDER, {"imagebuilder": "."})
    command: list[str | Path] = [builder / "imagebuilder", dockerfile, context, tag, archive]
    told = json.loads(run(f"Writing the image {tag}", command))
    return Image(tag, archive, told["digest"], tuple(told["layers"]))


def contexts(name: str) -> tuple[Path, list[Path]]:
    """The folder that the Dockerfile copies from, and what it copies."""
    if name == "spin":
        components = wasm.build("spin").values()
        return CHECKOUT, [CHECKOUT / "spin.toml", CHECKOUT / "runtime-config.toml", *components]
    context = wasm.BUILD / "wasmtime"
    context.mkdir(parents=True, exist_ok=True)
    for component in wasm.build("image").values():
        target = context / component.name
        target.unlink(missing_ok=True)
        shutil.copyfile(component, target)
    wasmtime = programs.wasmtime()
    copy_program(wasmtime, context / "wasmtime" / "wasmtime")
    return context, [file for file in context.rglob("*") if file.is_file()]


def copy_program(program: Path, target: Path) -> None:
    """The program, and beside it under their own paths the libraries that it is linked with."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(program, target)
    target.chmod(0o755)
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    for library in sorted(set(re.findall(r"(/\S+) \(0x", linked.stdout))):
        copied = target.parent / library.lstrip("/")
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library, copied)
        copied.chmod(0o755)


def docker(name: str) -> None:
    """Have Docker build it. Raises `Failure`."""
    tag = f"coffeeshop/{name}:{VERSION}"
    dockerfile = DOCKERFILES / f"{name}.Dockerfile"
    flags = ("--provenance=false", "--build-arg", "SOURCE_DATE_EPOCH=0")
    command: list[str | Path] = [
        "docker",
        "build",
        *flags,
        "-f",
        dockerfile,
        "-t",
        tag,
        contexts(name)[0],
    ]
    run(f"Docker builds {tag}", command)
    # An image has a digest once it is pushed; until then its id is what names it.
    shown = "{{.Id}}  {{.Size}} bytes"
    told = run("Asking Docker", ["docker", "image", "inspect", "--format", shown, tag])
    print(f"{tag}  {told.strip()}")


def report(image: Image) -> None:
    print(f"{image.name}  {image.digest}  {sum(image.layers) / 1e6:.1f} MB")
    copies = re.findall(r"^COPY (.+) \S+$", _dockerfile(image), re.MULTILINE)
    for copied, size in zip(copies, image.layers, strict=True):
        print(f"    {copied:40} {size / 1e6:6.1f} MB compressed")
    print(f"    in {image.archive.relative_to(CHECKOUT)}")


def _dockerfile(image: Image) -> str:
    return (DOCKERFILES / f"{image.archive.stem}.Dockerfile").read_text()


def main() -> None:
    parser = argparse.ArgumentParser(prog="images", description="Build the container images.")
    parser.add_argument("--docker", action="store_true", help="with Docker, which then has them")
    parser.add_argument("name", nargs="*", choices=[*NAMES, []], default=[])
    chosen = parser.parse_args()
    for name in chosen.name or NAMES:
        if not chosen.docker:
            report(make(name))
        elif shutil.which("docker"):
            docker(name)
        else:
            raise Failure("docker is not installed: leave --docker out.")


if __name__ == "__main__":
    console.main(main)
