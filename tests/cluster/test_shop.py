"""The overlay `plain` in a real cluster: it takes orders, keeps closed what must be, survives
restarts."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from scripts.build.manifest import Route, routes
from tests.cluster.api import Kubectl
from tests.cluster.install import DAPR, STATEFUL, wait_for_dapr
from tests.cluster.shop import APIS, CLOSED, NAMESPACE, ORDER, ClusterShop, Json, Load


def test_an_order_placed_through_the_entry_is_fulfilled(shop: ClusterShop) -> None:
    print(f"  an order is fulfilled {shop.is_fulfilled():.2f} s after it was placed")


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.path)
def test_the_entry_leads_to_public_routes_and_to_no_other(shop: ClusterShop, route: Route) -> None:
    path = re.sub(r":\w+", "1", route.path).replace("/...", "")
    # What the API itself answers, even if it is that there is nothing there, has its own words.
    answer = shop.entry.get(path)
    theirs = answer.text != '{"title":"Not Found","status":404,"detail":"There is nothing here."}'
    assert answer.status_code < 500, answer.text
    assert theirs == route.is_public, answer.text
    for trick in (f"/v1/api/orders/..{path}", f"/v1/api/orders/%2e%2e{path}", f"/{path}"):
        if not route.is_public:
            with httpx.Client(base_url=shop.entry.base_url) as client:
                request = client.build_request("POST", trick, headers={"dapr-api-token": "x"})
                request.url = request.url.copy_with(raw_path=trick.encode())
                assert client.send(request).status_code in (400, 403, 404, 405), trick


def test_a_pos_and_staff_need_their_tokens(shop: ClusterShop) -> None:
    assert shop.entry.post("/v1/api/orders", json=ORDER).status_code == 401
    sold_out = "/v1/api/kitchen/unavailable/8"
    assert shop.entry.put(sold_out).status_code == 401
    assert shop.entry.put(sold_out, headers=shop.pos).status_code == 401
    assert shop.entry.put(sold_out, headers=shop.staff).status_code == 204


def test_the_page_and_its_menu_come_through_the_entry(shop: ClusterShop) -> None:
    """The menu is asked of product-api and of both stations, sidecar to sidecar."""
    page = shop.entry.get("/")
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/html")
    picture = shop.entry.get("/v1/api/menu/8/image")
    assert picture.headers["content-type"] == "image/svg+xml", picture.text
    sold_out = "/v1/api/menu/8/unavailable"
    assert shop.entry.put(sold_out, headers=shop.staff).status_code == 204
    menu = {item["itemType"]: item["available"] for item in _menu(shop)}
    assert menu.pop(8) is False
    assert set(menu.values()) == {True}, menu
    assert shop.entry.delete(sold_out, headers=shop.staff).status_code == 204


def _menu(shop: ClusterShop) -> list[Json]:
    answer = shop.entry.get("/v1/api/menu")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


@pytest.mark.parametrize("api", APIS)
def test_an_intruder_reaches_neither_an_api_nor_its_sidecar(shop: ClusterShop, api: str) -> None:
    name = api.removesuffix("-api")
    pod = shop.pods(f"app.kubernetes.io/name={api}")[0]["status"]["podIP"]
    urls = (
        f"http://{api}/healthz/{name}",
        *(f"http://{pod}:{port}/" for port in (8080, 3500, 3501, 9090, 50001, 50002)),
    )
    with ThreadPoolExecutor(len(urls)) as pool:
        answers = pool.map(lambda url: shop.call("intruder", "GET", url), urls)
    for url, answer in zip(urls, answers, strict=True):
        assert re.match(CLOSED, answer), (url, answer)


def test_an_intruder_reaches_no_store(shop: ClusterShop) -> None:
    assert re.match(CLOSED, shop.call("intruder", "GET", "http://valkey:6379/"))
    assert re.match(CLOSED, shop.call("disguised", "GET", "http://valkey:6379/"))


@pytest.mark.parametrize(
    ("api", "path"), [(r.component, r.path) for r in routes() if r.path.startswith("/dapr_")]
)
def test_events_and_jobs_need_the_sidecars_token(shop: ClusterShop, api: str, path: str) -> None:
    """Of one who stands where the entry stands, and so comes to the API's own door."""
    answer = shop.call("disguised", "POST", f"http://{api}{path}")
    assert answer.startswith("403 "), answer
    answer = shop.call("disguised", "POST", f"http://{api}{path}", "dapr-api-token:guessed")
    assert answer.startswith("403 "), answer
    answer = shop.call("disguised", "POST", "http://counter-api/job/sweep")
    assert answer.startswith("403 "), answer


def test_access_control_knows_an_intruder_by_its_certificate(shop: ClusterShop) -> None:
    """Of one whom every NetworkPolicy lets pass, with a sidecar of its own."""
    for api, path in (
        ("product-api", "v1-get-items-by-types?types=1"),
        ("barista-api", "v1/api/barista/unavailable"),
        ("counter-api", "v1/api/fulfillment-orders"),
    ):
        url = f"http://localhost:3500/v1.0/invoke/{api}/method/{path}"
        answer = shop.call("guest", "GET", url)
        assert answer.startswith("403 "), answer
        assert "spiffe://public/ns/coffeeshop/guest" in answer or "denied" in answer, answer


def test_sidecars_talk_to_nobody_without_a_certificate(shop: ClusterShop) -> None:
    """mTLS: plain HTTP at the port where sidecars meet is cut off."""
    pod = shop.pods("app.kubernetes.io/name=product-api")[0]["status"]["podIP"]
    answer = shop.call("guest", "GET", f"http://{pod}:50002/")
    assert answer.startswith("ERROR "), answer
    assert "timeout" not in answer, answer
    assert "refused" not in answer, answer


def test_a_sidecars_own_api_is_for_its_app_alone(shop: ClusterShop) -> None:
    """It listens on the pod's loopback here; in the guest's own it asks for no token of ours."""
    pod = shop.pods("app.kubernetes.io/name=counter-api")[0]["status"]["podIP"]
    answer = shop.call("guest", "GET", f"http://{pod}:3500/v1.0/metadata")
    assert re.match("ERROR .*refused", answer), answer


WORKLOADS = (*(f"deployment/{api}" for api in (*APIS, "entry")), "statefulset/valkey")


@pytest.fixture(scope="module")
def load(shop: ClusterShop) -> Iterator[Load]:
    """Five orders a second from the first of the tests below to the last."""
    with Load(shop) as running:
        yield running


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_rolling_restart(shop: ClusterShop, load: Load, workload: str) -> None:
    with load.phase(f"{workload.partition('/')[2]} restarted"):
        shop.kubectl("rollout", "restart", workload)
        shop.rolled_out(workload)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_killed_pod(shop: ClusterShop, load: Load, workload: str) -> None:
    name = workload.partition("/")[2]
    with load.phase(f"{name} killed"):
        pod = shop.pods(f"app.kubernetes.io/name={name}")[0]["metadata"]["name"]
        shop.kubectl("delete", "pod", pod, "--force", "--grace-period=0")
        shop.rolled_out(workload)


@pytest.mark.parametrize("api", APIS)
def test_scaling_to_three_and_back(
    shop: ClusterShop, load: Load, kubectl: Kubectl, api: str
) -> None:
    usual = kubectl.get("-n", NAMESPACE, "deployment", api)["spec"]["replicas"]
    with load.phase(f"{api} scaled to three"):
        shop.kubectl("scale", f"deployment/{api}", "--replicas=3")
        shop.rolled_out(f"deployment/{api}")
        before = shop.deliveries(api)
        time.sleep(6)
        after = shop.deliveries(api)
    if api in ("barista-api", "kitchen-api"):
        shares = sorted(count - before.get(pod, 0) for pod, count in after.items())
        print(f"  events that each of the three of {api} took in 6 s: {shares}", flush=True)
        assert len(shares) == 3
        assert all(shares)
    with load.phase(f"{api} scaled back"):
        shop.kubectl("scale", f"deployment/{api}", f"--replicas={usual}")
        shop.rolled_out(f"deployment/{api}")


def test_orders_are_taken_without_scheduler_and_placement(
    shop: ClusterShop, load: Load, kubectl: Kubectl
) -> None:
    """New sidecars start without them, too."""
    services = [f"statefulset/{name}" for name in STATEFUL]
    usual = {s: kubectl.get("-n", DAPR, s)["spec"]["replicas"] for s in services}
    with load.phase("scheduler and placement away"):
        kubectl("-n", DAPR, "scale", *services, "--replicas=0")
        shop.kubectl("rollout", "restart", "deployment/counter-api")
        shop.rolled_out("deployment/counter-api")
        shop.is_fulfilled()
        for service, replicas in usual.items():
            kubectl("-n", DAPR, "scale", service, f"--replicas={replicas}")
    wait_for_dapr(kubectl)


def test_a_restarted_control_plane(load: Load, kubectl: Kubectl) -> None:
    with load.phase("Dapr's control plane restarted"):
        kubectl("-n", DAPR, "rollout", "restart", "deployment,statefulset")
        wait_for_dapr(kubectl)


def test_no_acknowledged_order_was_lost_and_each_ended(load: Load) -> None:
    """After all of the above."""
    load.stop()
    print("", *load.audit(), sep="\n", flush=True)
