"""The overlay `local` in a real cluster: Spin's own pods, through the runtime class.

Only with `SPIN_SHIM`, the path of containerd-shim-spin-v2, for no package registry has it.
"""

import os
import re
from pathlib import Path

import pytest

from tests.cluster.shop import APIS, CLOSED, ClusterShop, Json, Load

pytestmark = pytest.mark.skipif(
    not os.environ.get("SPIN_SHIM"),
    reason="SPIN_SHIM is not set: the Spin pods were validated (make k8s-test), and not run",
)
NET_BIND_SERVICE = 1 << 10
LIMIT_BYTES = 2**31
"""Of memory, for each API's container."""


def pod_of(shop: ClusterShop, api: str) -> Json:
    """The API's own pod, beside which its sidecar has another."""
    name = f"app.kubernetes.io/name={api},app.kubernetes.io/component=api"
    (pod,) = shop.pods(name)
    return pod


def test_an_order_placed_through_the_entry_is_fulfilled(spin_shop: ClusterShop) -> None:
    print(f"  on Spin an order is fulfilled {spin_shop.is_fulfilled():.2f} s after it was placed")


@pytest.mark.parametrize("api", APIS)
def test_an_api_runs_in_a_pod_of_the_runtime_class(spin_shop: ClusterShop, api: str) -> None:
    """One container, which was ready at its first start, and no sidecar beside it."""
    pod = pod_of(spin_shop, api)
    assert pod["spec"]["runtimeClassName"] == "wasmtime-spin-v2"
    (status,) = pod["status"]["containerStatuses"]
    assert (status["ready"], status["restartCount"]) == (True, 0), status


@pytest.mark.skipif("COFFEESHOP_NODE" not in os.environ, reason="the node's own files are asked")
@pytest.mark.parametrize("api", APIS)
def test_an_api_has_one_capability_and_keeps_to_its_memory(
    spin_shop: ClusterShop, api: str
) -> None:
    (status,) = pod_of(spin_shop, api)["status"]["containerStatuses"]
    container = status["containerID"].removeprefix("containerd://")
    (memory,) = Path("/sys/fs/cgroup/memory").glob(f"**/{container}")
    assert int((memory / "memory.limit_in_bytes").read_text()) == LIMIT_BYTES
    peak = int((memory / "memory.max_usage_in_bytes").read_text())
    print(f"  {api}: {peak / 2**20:.0f} MiB at most")
    assert peak < LIMIT_BYTES
    processes = (memory / "cgroup.procs").read_text().split()
    assert processes
    for process in processes:
        told = Path("/proc", process, "status").read_text()
        fields = dict(re.findall(r"^(\w+):\s+(.+)$", told, re.MULTILINE))
        assert set(fields["Uid"].split()) == {"65532"}
        assert fields["NoNewPrivs"] == "1"
        assert fields["Seccomp"] == "2"
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            assert int(fields[kind], 16) == NET_BIND_SERVICE, (kind, fields[kind])


@pytest.mark.parametrize("api", APIS)
def test_an_intruder_reaches_neither_an_api_nor_its_sidecar(
    spin_shop: ClusterShop, api: str
) -> None:
    pod = pod_of(spin_shop, api)["status"]["podIP"]
    health = f"/healthz/{api.removesuffix('-api')}"
    for url in (
        f"http://{api}{health}",
        f"http://{pod}:8080{health}",
        f"http://{api}-dapr:3500/v1.0/metadata",
        f"http://{api}-dapr:9090/metrics",
    ):
        answer = spin_shop.call("intruder", "GET", url)
        assert re.match(CLOSED, answer), (url, answer)


def test_an_api_takes_events_from_its_own_sidecar_alone(spin_shop: ClusterShop) -> None:
    """Asked by one whom the NetworkPolicies let pass, as they do the entry."""
    url = "http://counter-api/dapr_subscribe_BaristaOrderUpdated"
    for headers in ((), ("dapr-api-token:guessed",)):
        answer = spin_shop.call("disguised", "POST", url, *headers)
        assert answer.startswith("403 "), answer


def test_what_no_route_leads_to_is_not_asked_of_an_api(spin_shop: ClusterShop) -> None:
    """The entry does not lead to what takes every other path on Spin's one port."""
    for path in ("/nowhere", "/dapr/subscribe", "/openapi.json", "/healthz/counter", "/job/x"):
        answer = spin_shop.entry.get(path)
        assert answer.status_code == 404
        assert answer.json()["detail"] == "There is nothing here.", path
    answer = spin_shop.entry.get("/.well-known/spin/info")
    assert answer.status_code == 404


def test_restarts_lose_no_order(spin_shop: ClusterShop) -> None:
    """Spin ends without draining, so repeats are what is left to a POS."""
    with Load(spin_shop) as load:
        for workload in ("counter-api", "barista-api", "counter-sidecar"):
            with load.phase(f"Spin: {workload} restarted"):
                spin_shop.kubectl("rollout", "restart", f"deployment/{workload}")
                spin_shop.rolled_out(f"deployment/{workload}")
        with load.phase("Spin: counter-api killed"):
            pod = pod_of(spin_shop, "counter-api")["metadata"]["name"]
            spin_shop.kubectl("delete", "pod", pod, "--force", "--grace-period=0")
            spin_shop.rolled_out("deployment/counter-api")
        load.stop()
        print("", *load.audit(), sep="\n", flush=True)
