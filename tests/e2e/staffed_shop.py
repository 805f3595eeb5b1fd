"""A shop whose stations make by staff, and the screens that people have there."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from browser import Opener
from driver import PORT_OFFSET, Json, order
from scripts.stack import resources
from scripts.stack.supervise import Stack

OFFSET = PORT_OFFSET + 2_000
TOKEN = "let-me-in"
UNDO = 5.0
"""Seconds for which a tap can be undone."""


class StaffedShop:
    """The shop by HTTP, as other screens and customers change it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {TOKEN}"},
            timeout=40,
            trust_env=False,
        )

    def place(self, customer: str, *drinks: int, food: tuple[int, ...] = ()) -> Json:
        """An order that its stations have taken up."""
        answer = self._client.post("/v1/api/orders", json=order(customer, drinks, food))
        assert answer.status_code == 201, answer.text
        return self.until(answer.json()["id"], lambda all_: "PLACED" not in all_)

    def get(self, order_id: str) -> Json:
        found: Json = self._client.get(f"/v1/api/orders/{order_id}").json()
        return found

    def statuses(self, order_id: str) -> list[str]:
        return [item["status"] for item in self.get(order_id)["items"]]

    def until(self, order_id: str, is_so: Callable[[list[str]], bool], seconds: float = 20) -> Json:
        """The order as soon as its items' statuses are so."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.get(order_id)
            statuses = [item["status"] for item in found["items"]]
            if is_so(statuses):
                return found
            assert time.monotonic() < deadline, statuses
            time.sleep(0.05)

    def tap(
        self, order_id: str, action: str, by: str, station: str = "barista", **more: object
    ) -> Json:
        """What somebody does at another screen."""
        path = f"/v1/api/stations/{station}/tickets/{order_id}/{action}"
        answer = self._client.post(path, json={"by": by, **more})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def cancel(self, order_id: str) -> None:
        assert self._client.post(f"/v1/api/orders/{order_id}/cancel").status_code == 202

    def close(self, station: str = "barista") -> None:
        """End what earlier tests left."""
        body = {"by": "the test", "reason": "tidied up"}
        answer = self._client.post(f"/v1/api/stations/{station}/close-day", json=body)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaffedShop]:

    home: Path = tmp_path_factory.mktemp("staffed")
    token = {"staff_token": TOKEN}
    settings = {f"{each}-api": {"making": "by-staff", **token} for each in resources.stations()}
    with Stack(home, OFFSET, {"counter-api": token, **settings}) as running:
        running.up()
        yield StaffedShop(running.ports.url("counter"))


@pytest.fixture
def tidy(staffed: StaffedShop) -> StaffedShop:
    """Without what earlier tests left."""
    for station in resources.stations():
        staffed.close(station)
    return staffed


def at_station(
    opened: Opener, staffed: StaffedShop, station: str = "barista", name: str = "Zoe"
) -> Page:
    """A station's screen, at which somebody has given the token and a name."""
    page = opened(f"{staffed.url}#station/{station}", width=1280)
    give_token(page)
    expect(page.locator("h1 .count")).to_contain_text("to make")
    page.get_by_role("button", name="Who works here?").click()
    give_name(page, name)
    expect(page.get_by_role("button", name=f"You are {name}")).to_be_visible()
    return page


def give_token(page: Page) -> None:
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_hidden()


def give_name(page: Page, name: str) -> None:
    expect(page.locator("#staff-name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def taps(page: Page) -> list[str]:
    """Fills with what the page sends of taps from now on: `start`, `ready`, `fail`."""
    sent: list[str] = []
    page.on(
        "request",
        lambda request: (
            sent.append(request.url.rpartition("/")[2])
            if request.method == "POST" and "/tickets/" in request.url
            else None
        ),
    )
    return sent
