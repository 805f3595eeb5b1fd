"""What is downloaded or built once, outside the checkout; and how scripts speak to people."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


class Failure(Exception):
    """An expected failure. Its text is one line that says what to do."""


def root() -> Path:
    """The cache: `$COFFEESHOP_CACHE`, by default `~/.cache/coffeeshop`."""
    return Path(os.environ.get("COFFEESHOP_CACHE") or Path.home() / ".cache" / "coffeeshop")


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def main(run: Callable[[], int | None]) -> None:
    """Run a script's main function; an expected failure is one line and exit code 1."""
    try:
        sys.exit(run() or 0)
    except Failure as failure:
        say(f"coffeeshop: {failure}")
        sys.exit(1)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's, and not a fault of ours.
        where = f"{error.filename}: " if error.filename else ""
        say(f"coffeeshop: {where}{error.strerror or error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


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


def environment() -> dict[str, str]:
    """What a tool of the virtual environment needs, whether or not that is activated."""
    if sys.prefix == sys.base_prefix:
        return {}
    path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "VIRTUAL_ENV": sys.prefix}


def _program(name: str) -> str:
    return shutil.which(name, path=environment().get("PATH")) or name


def run(
    what: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """Run a tool and return what it printed, with a line of progress every 15 s.

    Raises `Failure` with the end of its output and the file that holds all of it.
    """
    say(f"{what} …")
    begin = time.monotonic()
    finished = threading.Event()

    def progress() -> None:
        while not finished.wait(15):
            say(f"{what} … {time.monotonic() - begin:.0f} s")

    ticker = threading.Thread(target=progress, daemon=True)
    ticker.start()
    try:
        done = subprocess.run(
            [_program(str(command[0])), *map(str, command[1:])],
            cwd=cwd,
            env={**os.environ, **environment(), **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{what}: {command[0]} is not installed.") from None
    finally:
        finished.set()
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise Failure(f"{what} failed{_kept(what, done.stdout)}. It ended with:\n{last}")
    return done.stdout


def _kept(what: str, output: str) -> str:
    """Keeps a tool's output, and says where."""
    log = root() / "logs" / f"{hashlib.sha256(what.encode()).hexdigest()[:8]}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output)
    except OSError:
        return ""
    return f"; all of its output is in {log}"
