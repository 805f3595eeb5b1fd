"""The first process of the cluster's namespaces: when it ends, everything in them does.

It is started by `__main__.py`, which holds the other end of a pipe, and ends with it.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure, say
from tests.cluster import images
from tests.cluster.install import install
from tests.cluster.node import Node


def main() -> int:
    pipe = int(sys.argv[1])
    worker = os.fork()
    if worker:
        threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
        return _reap_until(worker)
    try:
        os._exit(work(Path(sys.argv[2]), sys.argv[3:]))
    except Failure as failure:
        say(f"coffeeshop: {failure}")
        os._exit(1)


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(130)


def _reap_until(worker: int) -> int:
    """Orphans come to the first process of a namespace; the worker's end is its own."""
    while True:
        process, status = os.wait()
        if process == worker:
            return os.waitstatus_to_exitcode(status)


def work(home: Path, command: list[str]) -> int:
    """Start the cluster and run the command in it; its exit code."""
    shim = os.environ.get("SPIN_SHIM")
    node = Node(home, Path(shim).resolve().parent if shim else None)
    node.up([*images.all_archives(), *([images.spin_archive()] if shim else [])])
    try:
        install(node)
    except Failure:
        say(node.kubectl("get", "pods,events", "-A"))
        raise
    env = {**os.environ, "KUBECONFIG": str(node.kubeconfig("admin")), "COFFEESHOP_NODE": str(home)}
    return subprocess.run(command, env=env, cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    console.main(main)
