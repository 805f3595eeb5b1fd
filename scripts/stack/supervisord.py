"""supervisord's side of a stack: its files, and how it is started.

Its configuration holds no text of anybody's: paths are relative to its own folder, and commands,
environments and with them secrets are in a file that `scripts/stack/launch.py` reads.
"""

import configparser
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.base import proxies
from scripts.base.console import Failure
from scripts.stack import launch
from scripts.stack.plan import GROUPS, Layout
from scripts.stack.runtime import Process

STACK = "COFFEESHOP_STACK"
PROCESS = "COFFEESHOP_PROCESS"
"""Variables that mark what belongs to a stack: its folder, and for all but supervisord itself
`group:name:stop signal`."""


def socket(layout: Layout) -> Path:
    """Where supervisord listens: beside its files, unless a socket's path may not be that long
    (108 bytes on Linux, and supervisord adds its number to it)."""
    path = layout.run / "supervisor.sock"
    if len(os.fsencode(path)) < 90:
        return path
    name = hashlib.sha256(os.fsencode(layout.home)).hexdigest()[:16]
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(folder) / f"coffeeshop-{name}.sock"


def start(layout: Layout, needed: Sequence[Process]) -> None:
    """Start supervisord, which starts the processes. Raises `Failure`."""
    _write(layout.run / "processes.json", json.dumps({p.name: _described(p) for p in needed}))
    _write(layout.run / "supervisor.conf", _configuration(layout, needed))
    launcher = layout.run / "launch.py"
    launcher.unlink(missing_ok=True)
    launcher.symlink_to(launch.__file__)
    python = Path(sys.executable)
    env = proxies.without(os.environ)
    env |= {"PATH": f"{python.parent}{os.pathsep}{env['PATH']}", STACK: str(layout.home)}
    # A session of its own: Ctrl-C at the terminal reaches only us, who then stop all in order.
    started = subprocess.run(
        [python, "-m", "supervisor.supervisord", "-c", "supervisor.conf"],
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
        cwd=layout.run,
        env=env,
    )
    if started.returncode:
        raise Failure(f"supervisord did not start: {started.stderr.strip()}")


def _described(process: Process) -> dict[str, object]:
    mark = f"{process.group}:{process.name}:{process.stop}"
    return {
        "command": list(map(str, process.command)),
        "env": {**process.env, PROCESS: mark},
        "cwd": str(Path.cwd()),
    }


def _configuration(layout: Layout, needed: Sequence[Process]) -> str:
    config = configparser.RawConfigParser()
    path = socket(layout)
    inside = path.name if path.is_relative_to(layout.run) else str(path).replace("%", "%%")
    config["unix_http_server"] = {"file": inside, "chmod": "0700"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisord"] = {
        "logfile": "../logs/stack.log",
        "pidfile": "supervisor.pid",
        "childlogdir": "../logs",
        "minfds": "1024",
    }
    for process in needed:
        config[f"program:{process.name}"] = {
            "command": f"{Path(sys.executable).name} -I -S launch.py {process.name}",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "20",
            "stopsignal": process.stop,
            "stopwaitsecs": "3",
            # `spin up` serves from a process of its own, which would outlive it.
            "stopasgroup": "true",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": f"../logs/{process.name}.log",
            "stdout_logfile_maxbytes": "50MB",
            "stdout_logfile_backups": "2",
        }
    # A group stops as one, and supervisord waits for it before it goes to the next.
    for priority, group in enumerate(GROUPS):
        names = [process.name for process in needed if process.group == group]
        if names:
            config[f"group:{group}"] = {"programs": ",".join(names), "priority": str(priority)}
    text = io.StringIO()
    config.write(text)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    """For the owner alone."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
