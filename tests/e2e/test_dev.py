"""`make dev`: the page, `coffee` and an order, a change of a file, and Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from driver import PORT_OFFSET, heeds_ctrl_c
from scripts.base.checkout import CHECKOUT
from tests.support.waiting import until

OFFSET = PORT_OFFSET + 300
"""Beside the stacks of the other tests."""
SECONDS = 30
"""For a start, which takes two seconds on an idle machine."""
ENV = {
    **{k: v for k, v in os.environ.items() if not k.startswith("COFFEESHOP_")},
    "COFFEESHOP_PORT_OFFSET": str(OFFSET),
}
WATCHED = CHECKOUT / "apps" / "product-api" / "product" / "menu.py"


@pytest.fixture(scope="module")
def dev() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "scripts/bootstrap.py", "tests.dev"]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heeds_ctrl_c,
    ) as running:
        yield running
        running.kill()


@pytest.fixture(scope="module")
def shop(dev: "subprocess.Popen[str]") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{5002 + OFFSET}", timeout=40) as client:
        until(lambda: answers(client, "/healthz/counter", 204), SECONDS, "it does not start")
        yield client


def answers(client: httpx.Client, path: str, status: int) -> bool:
    try:
        return client.get(path).status_code == status
    except httpx.TransportError:
        return False


def coffee(*arguments: str) -> object:
    command = [str(CHECKOUT / ".venv" / "bin" / "coffee"), *arguments, "--json"]
    ran = subprocess.run(command, env=ENV, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def test_its_first_line_says_that_nothing_lasts(dev: "subprocess.Popen[str]") -> None:
    assert dev.stdout is not None
    line = dev.stdout.readline()
    assert line.startswith("For development:")
    assert "Nothing of it lasts" in line


def test_it_serves_the_page_and_all_four_apis(shop: httpx.Client) -> None:
    assert "<script" in shop.get("/").text
    for path in ("/v1-get-item-types", "/v1/api/menu", "/v1/api/barista/unavailable"):
        assert shop.get(path).status_code == 200, path
    assert shop.get("/nowhere").status_code == 404


def test_an_order_of_coffee_is_fulfilled(shop: httpx.Client) -> None:
    coffee("order", "COFFEE_BLACK", "CROISSANT", "--as", "dev")
    (order,) = shop.get("/v1/api/orders", params={"loyaltyMemberId": "dev"}).json()["orders"]
    assert (order["status"], order["total"]) == ("FULFILLED", 6.25)


def test_an_item_that_staff_take_off_the_menu_is_not_made(shop: httpx.Client) -> None:
    assert shop.put("/v1/api/menu/8/unavailable").status_code == 204
    available = {
        item["itemType"]: item["available"] for item in shop.get("/v1/api/menu").json()["items"]
    }
    assert (available[8], available[7]) == (False, True)


def test_a_change_of_a_file_starts_it_again_without_its_orders(shop: httpx.Client) -> None:
    placed = shop.post(
        "/v1/api/orders", json={"loyaltyMemberId": "dev", "items": [{"itemType": 1}]}
    ).json()
    os.utime(WATCHED)
    until(lambda: answers(shop, f"/v1/api/orders/{placed['id']}", 404), SECONDS, "it lasts")


def test_ctrl_c_stops_it(dev: "subprocess.Popen[str]", shop: httpx.Client) -> None:
    dev.send_signal(signal.SIGINT)
    assert dev.wait(10) == 0
    with pytest.raises(httpx.TransportError):
        shop.get("/healthz/counter")
