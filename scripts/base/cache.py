"""What is downloaded or built once, outside the checkout."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure


def root() -> Path:
    """The cache: `$COFFEESHOP_CACHE`, by default `~/.cache/coffeeshop`."""
    return Path(os.environ.get("COFFEESHOP_CACHE") or Path.home() / ".cache" / "coffeeshop")


def digest(files: Iterable[Path], *texts: str) -> str:
    """A digest of the files' names and contents and of the texts."""
    sha = hashlib.sha256("\0".join(texts).encode())
    for file in sorted(files):
        name = file.relative_to(CHECKOUT) if file.is_relative_to(CHECKOUT) else file.name
        sha.update(f"\0{name}\0".encode() + file.read_bytes())
    return sha.hexdigest()[:16]


def folder(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The cached folder `name/key`: made by `make`, whole or not at all, by one process."""
    made = root() / name / key
    if made.is_dir():
        return made
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        (made.parent / f"{key}.lock").touch()
    except OSError as error:
        raise Failure(
            f"{name} has to be put into the cache {root()}, which cannot be written "
            f"({error.strerror}): COFFEESHOP_CACHE names another folder."
        ) from None
    with _locked(made.parent / f"{key}.lock"):
        if not made.is_dir():
            partial = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=made.parent))
            try:
                make(partial)
                partial.rename(made)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return made


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
