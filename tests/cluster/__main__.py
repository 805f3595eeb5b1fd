"""`make cluster-test`: a real one-node cluster, made here and gone afterwards, runs the shop.

`python -m tests.cluster shell` opens a shell in it instead; `packages` prints the Debian packages
that are missing. With `KUBECONFIG` set, the tests run on that cluster, by `kubectl port-forward`.
It has Dapr (with k8s/dapr-values.yaml), an enforcer of NetworkPolicies, and in its nodes the
images whose archives `images` makes and names.
"""

import fcntl
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from scripts.base import cache, console
from scripts.base.console import Failure, say
from tests.cluster import binaries, images
from tests.cluster.install import render_dapr
from tests.cluster.node import make_cgroups, remove_cgroups

PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "unshare": "util-linux",
    "mount": "mount",
}
"""Debian's package for each program."""

PYTEST = [sys.executable, "-m", "pytest", "-x", "-s", "-rs", "tests/cluster"]


def main() -> int:
    if "images" in sys.argv:
        print(*images.own_archives(), sep="\n")
        return 0
    if os.environ.get("KUBECONFIG"):
        return subprocess.run(PYTEST, check=False).returncode
    if "packages" in sys.argv:
        print(*missing_packages())
        return 0
    check()
    if not os.environ.get("SPIN_SHIM"):
        say(
            "SPIN_SHIM is not set: the Spin pods are validated (make k8s-test) and not run; what "
            "runs here are the same components on wasmtime."
        )
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    binaries.api_server()
    binaries.node()
    images.all_archives()
    parent = cache.root() / "cluster"
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another cluster test runs here: waiting for its end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        home = parent / "node"
        remove(home)  # what was killed could not
        home.mkdir()
        try:
            render_dapr(home / "dapr.yaml")
            make_cgroups()
            return run(home, [os.environ.get("SHELL", "sh")] if "shell" in sys.argv else PYTEST)
        finally:
            keep_logs(home)
            remove(home)


def end(*_: object) -> None:
    """The first signal ends this; what follows it does not disturb the clearing up."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(130)


def run(home: Path, command: list[str]) -> int:
    """The command's exit code, run in a cluster in namespaces of its own.

    However this ends, every process in there has ended before: their first one holds the other
    end of a pipe, and the kernel ends with it whatever is in its namespace.
    """
    theirs, ours = os.pipe()
    spaces = ("--net", "--mount", "--pid", "--fork", "--mount-proc")
    inside = [sys.executable, "-m", "tests.cluster.inside", str(theirs), str(home), *command]
    process = subprocess.Popen(["unshare", *spaces, *inside], pass_fds=[theirs])
    os.close(theirs)
    try:
        return process.wait()
    finally:
        os.close(ours)
        process.wait()


def keep_logs(home: Path) -> None:
    kept = cache.root() / "logs" / "cluster"
    shutil.rmtree(kept, ignore_errors=True)
    for folder, target in (("logs", kept), ("pod-logs", kept / "pods")):
        if (home / folder).is_dir():
            shutil.copytree(home / folder, target)


def remove(home: Path) -> None:
    remove_cgroups()
    if home.exists():
        shutil.rmtree(home)


def check() -> None:
    """Raises `Failure` naming what is missing, in one line."""
    if os.geteuid() != 0:
        raise Failure("make cluster-test needs root: it makes namespaces, mounts and cgroups.")
    if platform.system() != "Linux" or not Path("/sys/fs/cgroup/pids").is_dir():
        raise Failure("make cluster-test needs Linux with cgroups of version 1.")
    if missing := missing_packages():
        raise Failure(f"Debian packages are missing: apt-get install -y {' '.join(missing)}")


def missing_packages() -> list[str]:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return [name for tool, name in PACKAGES.items() if not shutil.which(tool, path=path)]


if __name__ == "__main__":
    console.main(main)
