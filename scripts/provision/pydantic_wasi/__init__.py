"""pydantic 2 for the guest: PyPI's official WebAssembly wheel of pydantic-core, linked to WASI.

No WASI wheel is published, but one for Emscripten is (the platform pyemscripten). Its library
needs three things before componentize-py can link it: no exceptions proposal (which
componentize-py rejects: a Rust panic ends the instance instead of unwinding), its one call that
means something else in WASI sent through a shim (Emscripten's clock ids are numbers, WASI's are
addresses), and the file name that a WASI CPython looks for. `imports.txt` is the audited list of
all that the library takes from the C library.
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path

from scripts.base import cache
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.base.tools import run
from scripts.provision import node

HERE = Path(__file__).parent
LOCK = CHECKOUT / "apps" / "requirements.txt"
IMPORTS = HERE / "imports.txt"
LIBRARY = "pydantic_core/_pydantic_core.cpython-314-wasm32-wasi.so"
SHIM = "_pyemscripten_shim.cpython-314-wasm32-wasi.so"

_FEATURES = (
    "exception-handling",
    "reference-types",
    "bulk-memory",
    "bulk-memory-opt",
    "sign-ext",
    "nontrapping-float-to-int",
    "mutable-globals",
    "multivalue",
    "call-indirect-overlong",
)
# Renamed in place, so the name keeps its length of 13.
_CLOCK, _SHIMMED_CLOCK = b"\x03env\x0dclock_gettime\x00", b"\x03env\x0dclock_gettim_\x00"


def site() -> Path:
    """The folder for componentize-py's path, converted once and cached. Raises `Failure`."""
    return cache.folder("pydantic", cache.digest([LOCK, *_sources()]), _convert) / "site"


def _sources() -> list[Path]:
    names = ("__init__.py", "shim.wat", "package.json", "package-lock.json")
    return [HERE / name for name in names]


def _convert(folder: Path) -> None:
    wheels = folder / "wheels"
    run(
        "Downloading pydantic for WebAssembly",
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", "--implementation", "cp", "--python-version", "3.14"),
            *("--abi", "cp314", "--abi", "none"),
            *("--platform", "pyemscripten_2026_0_wasm32", "--platform", "any"),
            *("-d", wheels, "-r", LOCK),
        ],
    )
    site = folder / "site"
    for wheel in wheels.iterdir():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    original = site / LIBRARY.replace("-wasi.so", "-emscripten.so")
    stripped = folder / "stripped.so"
    run(
        "Converting pydantic-core to WASI",
        [
            *_wasm_opt(folder / "binaryen"),
            *(original, "--strip-eh", "-o", stripped),
            *(f"--enable-{feature}" for feature in _FEATURES),
        ],
    )
    code = stripped.read_bytes()
    if code.count(_CLOCK) != 1:
        raise Failure("pydantic-core imports clock_gettime otherwise than expected: audit it.")
    (site / LIBRARY).write_bytes(code.replace(_CLOCK, _SHIMMED_CLOCK))
    run("Assembling the shim", ["wasm-tools", "parse", HERE / "shim.wat", "-o", site / SHIM])
    original.unlink()
    stripped.unlink()
    shutil.rmtree(wheels)
    shutil.rmtree(folder / "binaryen")


def _wasm_opt(folder: Path) -> list[str | Path]:
    """Binaryen's wasm-opt, from npm: the command that runs it with Node.js."""
    folder.mkdir()
    node.install(HERE, folder, "wasm-opt")
    return [*node.programs()[0], folder / "node_modules" / "binaryen" / "bin" / "wasm-opt"]


def libc_imports(library: Path) -> list[str]:
    """What the converted library takes from the C library: everything but Python's own API."""
    text = run("Reading the library's imports", ["wasm-tools", "print", library])
    names = re.findall(r'^ *\(import "env" "([A-Za-z_0-9]+)" \(func', text, re.MULTILINE)
    return sorted(name for name in names if not re.match(r"_?Py", name))


def audited_imports() -> list[str]:
    """The names in `imports.txt`, one a line before its explanation."""
    return [line.split()[0] for line in IMPORTS.read_text().splitlines() if line.strip()]
