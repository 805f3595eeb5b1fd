"""Each route, port and store that must be closed is tried."""

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import valkey

from scripts.stack.runtime import APIS
from scripts.stack.supervise import Stack
from tests.faults.run import PORT_OFFSET, Run
from tests.support.listening import ports_open_to_others

EVENTS = (
    ("barista", "/dapr_subscribe_BaristaOrdered"),
    ("barista", "/dapr_subscribe_BaristaOrderCancelled"),
    ("kitchen", "/dapr_subscribe_KitchenOrdered"),
    ("kitchen", "/dapr_subscribe_KitchenOrderCancelled"),
    ("counter", "/dapr_subscribe_BaristaOrderUpdated"),
    ("counter", "/dapr_subscribe_KitchenOrderUpdated"),
    ("counter", "/dapr_subscribe_OrderUpdated"),
)
ORDER = "00000000-0000-4000-8000-000000000000"
SIDECAR_ONLY = (*EVENTS, ("counter", "/job/sweep"))
BODY = {"loyaltyMemberId": "ann", "baristaItems": [{"itemType": 1}]}


def sidecar(stack: Stack, api: str) -> httpx.Client:
    """The API's sidecar, asked with its token."""
    return httpx.Client(
        base_url=f"http://127.0.0.1:{stack.ports.sidecar(api)}/v1.0",
        headers={"dapr-api-token": stack.secrets["sidecar_token"]},
        timeout=10,
    )


@pytest.mark.parametrize(("api", "path"), SIDECAR_ONLY)
def test_a_sidecars_route_is_closed_to_everybody_else(run: Run, api: str, path: str) -> None:
    url, token = f"{run.url(api)}{path}", run.stack.secrets["app_token"]
    assert httpx.post(url, json={}).status_code == 403
    assert httpx.post(url, json={}, headers={"dapr-api-token": "wrong"}).status_code == 403
    by_invocation = {"dapr-api-token": token, "dapr-caller-app-id": "kitchen-api"}
    assert httpx.post(url, json={}, headers=by_invocation).status_code == 403
    caller = "product" if api != "product" else "counter"
    with sidecar(run.stack, caller) as other:
        assert other.post(f"/invoke/{api}-api/method{path}", json={}).status_code == 403


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("headers", [{}, {"dapr-api-token": "wrong"}])
def test_a_sidecar_asks_for_its_token(stack: Stack, api: str, headers: dict[str, str]) -> None:
    base = f"http://127.0.0.1:{stack.ports.sidecar(api)}/v1.0"
    assert httpx.get(f"{base}/metadata", headers=headers).status_code == 401
    assert httpx.get(f"{base}/state/{api}-store/x", headers=headers).status_code == 401
    answer = httpx.post(f"{base}/publish/pubsub/kitchen_order_placed", headers=headers, json={})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("api", "topic"),
    [
        ("counter", "barista_order_updated"),
        ("counter", "kitchen_order_placed_dead"),
        ("barista", "barista_order_placed"),
        ("barista", "barista_order_cancelled"),
        ("barista", "kitchen_order_updated"),
        ("kitchen", "barista_order_updated"),
        ("kitchen", "kitchen_order_placed"),
        ("kitchen", "kitchen_order_cancelled"),
        ("kitchen", "a_topic_of_its_own"),
    ],
)
def test_no_api_publishes_what_is_not_its_own(stack: Stack, api: str, topic: str) -> None:
    with sidecar(stack, api) as own:
        assert own.post(f"/publish/pubsub/{topic}", json={}).status_code == 403


@pytest.mark.parametrize("component", ["pubsub", "deadletters"])
def test_product_api_has_no_broker(stack: Stack, component: str) -> None:
    with sidecar(stack, "product") as own:
        answer = own.post(f"/publish/{component}/kitchen_order_placed", json={})
    assert answer.status_code in (400, 404)
    assert "ERR_PUBSUB" in answer.text


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("owner", ["counter", "barista", "kitchen"])
def test_no_api_reads_anothers_store(stack: Stack, api: str, owner: str) -> None:
    with sidecar(stack, api) as own:
        answer = own.get(f"/state/{owner}-store/{ORDER}")
    if api == owner:
        assert answer.status_code in (200, 204)
    else:
        assert answer.status_code in (400, 500)
        assert "ERR_STATE_STORE" in answer.text


def test_the_secrets_of_a_store_are_in_no_sidecars_answer(stack: Stack) -> None:
    """The components' secret store is for components: an API has no use for it."""
    with sidecar(stack, "kitchen") as own:
        one, all_of_them = (
            own.get("/secrets/kubernetes/pubsub"),
            own.get("/secrets/kubernetes/bulk"),
        )
    assert one.status_code == 403
    assert all_of_them.json() == {}


def test_valkey_wants_its_password(stack: Stack) -> None:
    with pytest.raises(valkey.AuthenticationError):
        valkey.Valkey(port=stack.ports.valkey).ping()


def test_everything_listens_on_loopback_alone(stack: Stack) -> None:
    assert ports_open_to_others(stack) == set()


def test_secrets_are_their_owners_alone(stack: Stack) -> None:
    assert stat.S_IMODE(stack.layout.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(stack.layout.home.stat().st_mode) == 0o700
    for process in stack.states():
        command = " ".join(psutil.Process(process["pid"]).cmdline())
        assert not any(secret in command for secret in stack.secrets.values()), process["name"]


def test_no_key_holds_an_identity(run: Run) -> None:
    body = {**BODY, "loyaltyMemberId": "somebody-very-special"}
    assert httpx.post(f"{run.url('counter')}/v1/api/orders", json=body).status_code == 201
    for database in range(4):
        keys: list[str] = run.auditor.stores.database(database).keys()  # type: ignore[assignment] # valkey's own
        assert not [key for key in keys if "special" in key]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with a POS token and a staff token."""
    home: Path = tmp_path_factory.mktemp("guarded")
    overrides = {
        "counter-api": {"pos_token": "till"},
        "kitchen-api": {"staff_token": "cook"},
    }
    with Stack(home, PORT_OFFSET - 1_000, overrides) as stack:
        stack.up()
        yield stack


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer", "till", "Basic till"])
def test_a_pos_shows_its_token(guarded: Stack, authorization: str) -> None:
    counter = f"http://127.0.0.1:{guarded.ports.app('counter')}"
    headers = {"authorization": authorization} if authorization else {}
    streams = (f"orders/{ORDER}/events", "fulfillment-orders/events")
    paths = ("orders?loyaltyMemberId=ann", f"orders/{ORDER}", "fulfillment-orders", *streams)
    answers = [httpx.get(f"{counter}/v1/api/{path}", headers=headers) for path in paths]
    answers.append(httpx.post(f"{counter}/v1/api/orders", json=BODY, headers=headers))
    answers.append(httpx.post(f"{counter}/v1/api/orders/{ORDER}/cancel", headers=headers))
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"] == "Bearer" for answer in answers)


def test_who_shows_the_token_orders_and_sells_out(guarded: Stack) -> None:
    counter = f"http://127.0.0.1:{guarded.ports.app('counter')}"
    till = {"authorization": "Bearer till"}
    placed = httpx.post(f"{counter}/v1/api/orders", json=BODY, headers=till)
    assert placed.status_code == 201
    kitchen = f"http://127.0.0.1:{guarded.ports.app('kitchen')}/v1/api/kitchen/unavailable/7"
    assert httpx.put(kitchen).status_code == 401
    assert httpx.delete(kitchen, headers=till).status_code == 401
    assert httpx.put(kitchen, headers={"authorization": "Bearer cook"}).status_code == 204
    assert httpx.get(kitchen).status_code == 200
    # The page reaches the kitchen through the counter, which hands the token on.
    by_page = f"{counter}/v1/api/menu/7/unavailable"
    assert httpx.delete(by_page).status_code == 401
    assert httpx.delete(by_page, headers=till).status_code == 401
    assert httpx.delete(by_page, headers={"authorization": "Bearer cook"}).status_code == 204
    assert httpx.get(kitchen).status_code == 404
