"""The web page: apps/page, checked by tsc and bundled by esbuild with its library from npm.

What is made lies in the cache; nothing of it is committed. A component is built with it, so that
a running shop needs no Node.js and loads no file from anywhere else.
"""

import json
import shutil
from pathlib import Path

from scripts.base import cache, console
from scripts.base.checkout import CHECKOUT
from scripts.base.tools import run
from scripts.provision import node

SOURCE = CHECKOUT / "apps" / "page"
PACKAGE = "webpage"
"""The folder of the made files, on the component's path: counter/page.py looks for this name."""


def made() -> Path:
    """The folder for componentize-py's path, made once and cached. Raises `Failure`."""
    files = [file for file in sorted(SOURCE.rglob("*")) if file.is_file() and _is_ours(file)]
    key = cache.digest([*files, Path(__file__)])
    return cache.folder("page", key, _make)


def _is_ours(file: Path) -> bool:
    return "node_modules" not in file.relative_to(SOURCE).parts


def _make(folder: Path) -> None:
    target = folder / PACKAGE
    target.mkdir()
    meta = folder / "meta.json"
    modules = link()
    command = [*node.programs()[0], modules / "esbuild" / "bin" / "esbuild", "src/main.tsx"]
    command += ["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning"]
    run(
        "Bundling the page",
        [*command, f"--outfile={target / 'page.js'}", f"--metafile={meta}"],
        cwd=SOURCE,
    )
    for name in ("index.html", "icon.svg"):
        shutil.copy(SOURCE / name, target)
    with (target / "page.js").open("a") as script:
        for name, text in _licenses(meta, modules):
            script.write(f"/*! {name}\n{text.strip()}\n*/\n")
    meta.unlink()


def _licenses(meta: Path, modules: Path) -> list[tuple[str, str]]:
    """The packages that are in the bundle, with the text that must go along with each."""
    names = set()
    for source in json.loads(meta.read_text())["inputs"]:
        _, inside, path = source.rpartition("node_modules/")
        if inside:
            names.add("/".join(path.split("/")[: 2 if path.startswith("@") else 1]))
    return [(name, (modules / name / "LICENSE").read_text()) for name in sorted(names)]


def link() -> Path:
    """`node_modules`, as installed in the cache; in the checkout a link, for esbuild, tsc and
    editors. Raises `Failure`."""
    modules = node.modules(SOURCE, "what the page is built with")
    linked = SOURCE / "node_modules"
    if not linked.is_symlink() or linked.resolve() != modules.resolve():
        linked.unlink(missing_ok=True)
        linked.symlink_to(modules)
    return modules


def type_check() -> list[str]:
    """The command that checks the page's types, to be run in the checkout. Raises `Failure`."""
    tsc = link() / "typescript" / "bin" / "tsc"
    return list(map(str, [*node.programs()[0], tsc, "-p", SOURCE.relative_to(CHECKOUT)]))


if __name__ == "__main__":
    console.main(lambda: print(made() / PACKAGE))
