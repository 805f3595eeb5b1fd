"""One Kubernetes node: etcd, the control plane, containerd, kubelet, kube-proxy, an enforcer.

It runs in namespaces of its own (`__main__.py` makes them): processes end with the first of them,
mounts and addresses vanish with the last. It keeps its files in one folder.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx
import trustme
import yaml

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure, say
from tests.cluster import binaries
from tests.cluster.api import Kubectl, write_kubeconfig
from tests.support.waiting import within

CGROUP = "coffeeshop-cluster"
NODE = "10.210.0.1"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
SOCKET = "/run/containerd/containerd.sock"
API = "https://127.0.0.1:6443"
ACCOUNTS = {
    "admin": ("admin", "system:masters"),
    "kubelet": ("system:node:node1", "system:nodes"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
}
"""User and group by the token that shows them; tokens are no secrets in here."""

SYSCTLS = (
    *("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"),
    *("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
)
"""What kubelet sets for the whole machine: it is given files to write to instead."""


@dataclass(frozen=True)
class Node:
    """`home` holds everything; `run`, on a file system in memory, holds sockets."""

    home: Path
    shims: Path | None = None
    """A folder with containerd-shim-spin-v2, if there is one."""

    @property
    def run(self) -> Path:
        return Path("/run/coffeeshop")

    def file(self, name: str) -> Path:
        return self.home / name

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def kubeconfig(self, account: str) -> Path:
        return self.home / f"{account}.kubeconfig"

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.kubeconfig("admin"))

    def up(self, archives: Iterable[Path]) -> None:
        """Start everything and return when the node is ready. Raises `Failure`."""
        _shield_the_host(self.home)
        for folder in ("logs", "kubelet", "containerd", "etcd", "volumes"):
            self.file(folder).mkdir(parents=True, exist_ok=True)
        (self.run / "cni").mkdir(parents=True)
        _make_network()
        self._write_keys()
        self._write_configurations()
        self._start_containerd()
        self._start_api()
        for archive in archives:
            _sh("ctr", "-n", "k8s.io", "images", "import", str(archive))
        say("The images are imported.")
        self._until("kube-apiserver", self._is_ready, 90)
        self._start_controllers()
        self._start_node()
        self._until("kubelet", self._is_node_ready, 60)
        say("The node is ready.")

    def start(self, name: str, *command: str | Path) -> None:
        """Run a daemon with no environment but PATH."""
        path = ":".join(map(str, filter(None, (self.shims, "/usr/sbin:/usr/bin:/sbin:/bin"))))
        with self.log(name).open("w") as log:
            subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": path, "HOME": str(self.home)},
                cwd=CHECKOUT,
            )

    def _until(self, name: str, condition: Callable[[], bool], seconds: float) -> None:
        if not within(condition, seconds):
            last = self.log(name).read_text().strip().splitlines()[-5:]
            raise Failure(f"{name} is not ready after {seconds} s; it said:\n" + "\n".join(last))

    def _is_ready(self) -> bool:
        with contextlib.suppress(Failure):
            return bool(self.kubectl("get", "--raw", "/readyz"))
        return False

    def _is_node_ready(self) -> bool:
        with contextlib.suppress(Failure):
            return " Ready " in self.kubectl("get", "node", "node1", "--no-headers")
        return False

    def _write_keys(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.file("ca.pem"))
        names = ("kubernetes.default.svc", "localhost", "127.0.0.1", NODE, "10.96.0.1")
        for name, identities in (("apiserver", names), ("kubelet", ("node1", NODE))):
            issued = authority.issue_cert(*identities, common_name=name)
            issued.private_key_and_cert_chain_pem.write_to_path(self.file(f"{name}.pem"))
        accounts = authority.issue_cert("accounts.local").private_key_pem
        accounts.write_to_path(self.file("accounts.key"))
        lines = [f'{token},{user},{user},"{group}"\n' for token, (user, group) in ACCOUNTS.items()]
        self.file("tokens.csv").write_text("".join(lines))
        for token in ACCOUNTS:
            write_kubeconfig(self.kubeconfig(token), API, self.file("ca.pem"), token)

    def _write_configurations(self) -> None:
        run = self.run
        network = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "plugins": [
                {
                    "type": "ptp",  # routes every packet, so that policies see it
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": f"{run}/addresses",
                        "ranges": [[{"subnet": PODS}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        }
        (run / "cni" / "pods.conflist").write_text(json.dumps(network))
        self.file("containerd.toml").write_text(
            CONTAINERD.format(run=run, home=self.home, socket=SOCKET)
        )
        kubelet = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{CGROUP}",
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "address": NODE,
            "clusterDNS": ["10.96.0.10"],
            "clusterDomain": "cluster.local",
            "resolvConf": "",
            "failSwapOn": False,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": False},
                "x509": {"clientCAFile": str(self.file("ca.pem"))},
            },
            "authorization": {"mode": "AlwaysAllow"},
            "tlsCertFile": str(self.file("kubelet.pem")),
            "tlsPrivateKeyFile": str(self.file("kubelet.pem")),
            # A pod sees a changed ConfigMap that late: Dapr fills its own after its pods started.
            "syncFrequency": "2s",
            "maxPods": 60,
            "imageGCHighThresholdPercent": 100,  # what is deleted could not be pulled
            "evictionHard": {"memory.available": "200Mi", "nodefs.available": "1%"},
            "podLogsDir": str(self.file("pod-logs")),
            "volumePluginDir": str(self.file("plugins")),
        }
        self.file("kubelet.yaml").write_text(yaml.safe_dump(kubelet))

    def _start_containerd(self) -> None:
        self.start("containerd", "containerd", "--config", self.file("containerd.toml"))
        self._until("containerd", lambda: _succeeds("ctr", "version"), 30)

    def _start_api(self) -> None:
        programs = binaries.api_server()
        etcd = ("--data-dir", self.file("etcd"), "--unsafe-no-fsync", "--log-level", "warn")
        self.start("etcd", programs / "etcd", *etcd)
        self._until("etcd", lambda: _answers("http://127.0.0.1:2379/health"), 30)
        self.start(
            "kube-apiserver",
            programs / "kube-apiserver",
            *("--etcd-servers", "http://127.0.0.1:2379", "--advertise-address", NODE),
            *("--authorization-mode", "Node,RBAC", "--allow-privileged"),
            *("--enable-admission-plugins", "NodeRestriction"),
            *("--service-cluster-ip-range", SERVICES, "--client-ca-file", self.file("ca.pem")),
            *("--tls-cert-file", self.file("apiserver.pem")),
            *("--tls-private-key-file", self.file("apiserver.pem")),
            *("--token-auth-file", self.file("tokens.csv")),
            *("--service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
            *("--service-account-key-file", self.file("accounts.key")),
            *("--service-account-signing-key-file", self.file("accounts.key")),
            *("--kubelet-certificate-authority", self.file("ca.pem")),
            *("--kubelet-client-certificate", self.file("apiserver.pem")),
            *("--kubelet-client-key", self.file("apiserver.pem")),
            *("--kubelet-preferred-address-types", "InternalIP", "--cert-dir", self.run),
        )

    def _start_controllers(self) -> None:
        """Only when the API's own roles exist: without them these exit."""
        programs = binaries.node()
        common = ("--leader-elect=false", "--bind-address", "127.0.0.1", "--cert-dir", self.run)
        self.start(
            "kube-controller-manager",
            programs / "kube-controller-manager",
            *("--kubeconfig", self.kubeconfig("controller-manager")),
            *("--root-ca-file", self.file("ca.pem"), "--use-service-account-credentials"),
            *("--service-account-private-key-file", self.file("accounts.key"), *common),
        )
        scheduler = self.kubeconfig("scheduler")
        self.start(
            "kube-scheduler", programs / "kube-scheduler", "--kubeconfig", scheduler, *common
        )

    def _start_node(self) -> None:
        programs = binaries.node()
        self.start(
            "kubelet",
            programs / "kubelet",
            *("--config", self.file("kubelet.yaml"), "--kubeconfig", self.kubeconfig("kubelet")),
            *("--hostname-override", "node1", "--node-ip", NODE),
            *("--root-dir", self.file("kubelet"), "--cert-dir", self.run),
        )
        self.start(
            "kube-proxy",
            programs / "kube-proxy",
            *("--kubeconfig", self.kubeconfig("proxy"), "--proxy-mode", "nftables"),
            *("--hostname-override", "node1", "--cluster-cidr", PODS),
            # These settings are the whole machine's: they stay.
            *("--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0"),
            "--conntrack-tcp-timeout-close-wait=0",
        )
        self.start("netpol", sys.executable, "-m", "tests.cluster.netpol", self.kubeconfig("admin"))


CONTAINERD = """\
version = 2
root = "{home}/containerd"
state = "{run}/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true  # without CAP_SYS_RESOURCE runc cannot lower it, and dies
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{run}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    options = {{Root = "{run}/runc"}}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.spin]
    runtime_type = "io.containerd.spin.v2"
"""


def _shield_the_host(home: Path) -> None:
    """Fixed paths of kubelet, containerd and CNI lead into our folder, or into memory."""
    _sh("mount", "-t", "tmpfs", "tmpfs", "/run")
    for path in ("/var/lib", "/var/log"):
        upper, work = (home / f"overlay{path}" / part for part in ("upper", "work"))
        for folder in (upper, work):
            folder.mkdir(parents=True)
        options = f"lowerdir={path},upperdir={upper},workdir={work}"
        _sh("mount", "-t", "overlay", "overlay", "-o", options, path)
    for name in SYSCTLS:
        real = Path("/proc/sys") / name
        ours = Path("/run") / f"sysctl-{name.replace('/', '-')}"
        ours.write_text(real.read_text())
        _sh("mount", "--bind", str(ours), str(real))


def _make_network() -> None:
    """A namespace without a way out: a default route is there, and leads to a bridge alone."""
    _sh("ip", "link", "set", "lo", "up")
    _sh("ip", "link", "add", "node0", "type", "bridge")
    _sh("ip", "addr", "add", f"{NODE}/24", "dev", "node0")
    _sh("ip", "link", "set", "node0", "up")
    _sh("ip", "route", "add", "default", "dev", "node0", "src", NODE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _sh(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(command[:6])}: {(done.stderr or done.stdout).strip()}")


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).is_success
    return False


def make_cgroups() -> None:
    """Kubelet's root, in every hierarchy of version 1."""
    for controller in _controllers():
        group = controller / CGROUP
        group.mkdir(exist_ok=True)
        if controller.name == "cpuset":
            for name in ("cpuset.cpus", "cpuset.mems"):
                (group / name).write_text((controller / name).read_text())


def remove_cgroups() -> None:
    """In every hierarchy: runc makes them in that of version 2 as well."""
    deadline = time.monotonic() + 10  # processes that were killed take a moment
    while left := list(Path("/sys/fs/cgroup").glob(f"*/{CGROUP}")):
        for group in left:
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
        if time.monotonic() > deadline:
            raise Failure(f"these cgroups cannot be removed: {' '.join(map(str, left))}")
        time.sleep(0.1)


def _controllers() -> list[Path]:
    names = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
    return [path for name in names if (path := Path("/sys/fs/cgroup") / name).is_dir()]
