"""The Debian that python-slim stands on, by the files' size: the packages that every Debian has."""

import re
import shutil
import subprocess
from pathlib import Path

LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/info/", "/usr/share/locale/")
"""What the slim images leave out too."""
_FORMAT = "${Package}\t${Essential}\t${Priority}\t${Pre-Depends}, ${Depends}\n"


def size() -> int:
    """Bytes, counted on this machine; 0 where it is no Debian."""
    if not shutil.which("dpkg-query"):
        return 0
    listed = _run("dpkg-query", "-W", "-f", _FORMAT)
    needs: dict[str, list[str]] = {}
    waiting = []
    for line in listed.splitlines():
        name, essential, priority, depends = line.split("\t")
        needs[name] = [re.split(r"[ :(]", each.strip())[0] for each in depends.split(",")]
        if essential == "yes" or priority == "required":
            waiting.append(name)
    packages: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in needs and name not in packages:
            packages.add(name)
            waiting += needs[name]
    sizes = {}
    for line in _run("dpkg", "-L", *sorted(packages)).splitlines():
        path = Path(line)
        if not line.startswith(LEFT_OUT) and path.is_file() and not path.is_symlink():
            status = path.stat()
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
