"""Zipkin, which collects the sidecars' spans and shows them: from Maven Central, for `TRACES=1`.

make run TRACES=1       then its page is at http://127.0.0.1:3906
"""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from scripts.base import cache
from scripts.base.console import Failure
from scripts.base.tools import run

ARTIFACT = "io.zipkin:zipkin-server:3.5.1:jar:exec"
SHA256 = "7ac633a6832647e71e50012a5e3e91fbc7054414955261724526030faf271d8d"
JAVA = 17
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
ADVICE = "TRACES=1 needs {}: apt-get install default-jre-headless maven."


def is_wanted() -> bool:
    """Raises `Failure` for what says neither."""
    text = os.environ.get("COFFEESHOP_TRACES") or "0"
    if text not in ("0", "1"):
        raise Failure(f"TRACES is {text[:40]!r}: it may be 1, or 0 for none.")
    return text == "1"


def java() -> Path:
    """Java, of a version that Zipkin runs on. Raises `Failure`."""
    found = shutil.which("java")
    if found is None:
        raise Failure(ADVICE.format(f"Java {JAVA} or later"))
    printed = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', printed.stderr + printed.stdout)
    if version is None or int(version[1]) < JAVA:
        raise Failure(ADVICE.format(f"Java {JAVA} or later, and {found} is older"))
    return Path(found)


def jar() -> Path:
    """Zipkin's program, downloaded once and checked. Raises `Failure`."""

    def download(folder: Path) -> None:
        if shutil.which("mvn") is None:
            raise Failure(ADVICE.format("Maven"))
        run(
            "Downloading Zipkin (131 MB)",
            [
                *("mvn", "-B", "-q", f"{PLUGIN}:copy", f"-Dartifact={ARTIFACT}"),
                *(f"-DoutputDirectory={folder}", "-Dmdep.stripVersion=true"),
            ],
        )
        found = next(folder.glob("*.jar"))
        with found.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != SHA256:
            raise Failure(f"{ARTIFACT} is not what was expected: its SHA-256 is {digest}.")
        found.rename(folder / "zipkin.jar")

    return cache.folder("zipkin", SHA256[:16], download) / "zipkin.jar"
