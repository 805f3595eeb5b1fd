"""A till or a tablet whose clock is wrong: ages are the shop's, and no tap waits for a clock."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from browser import Opener, visitor
from staffed_shop import UNDO, StaffedShop, at_station, staffed, tidy

__all__ = ["staffed", "tidy"]

MINUTES = 600
"""Seconds by which the clock is wrong."""
SHIFT = """(seconds => {
  const own = Date;
  window.Date = class extends own {
    constructor(...given) { given.length ? super(...given) : super(own.now() + 1000 * seconds); }
    static now() { return own.now() + 1000 * seconds; }
  };
})"""


def job(page: Page, customer: str) -> Locator:
    return page.locator(".job", has_text=customer)


@pytest.mark.parametrize("ahead", [MINUTES, -MINUTES])
def test_an_age_is_by_the_shops_clock_whatever_the_devices_says(
    opened: Opener, tidy: StaffedShop, ahead: int
) -> None:
    customer = visitor("Ann")
    tidy.place(customer, 1)
    page = at_station(opened, tidy)
    page.add_init_script(f"{SHIFT}({ahead})")
    page.wait_for_timeout(3_000)
    page.reload()
    age = job(page, customer).locator(".age")
    for _ in range(3):
        assert 2 <= int(age.inner_text().removesuffix(" seconds")) <= 30
        page.wait_for_timeout(1_000)


def test_a_board_calls_no_order_late_because_its_own_clock_is_ahead(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    tidy.place(customer, 1)
    page = opened(f"{tidy.url}#board")
    ticket = page.locator(".open .ticket", has_text=customer)
    expect(ticket).to_be_visible()
    page.evaluate(f"{SHIFT}({MINUTES})")
    page.wait_for_timeout(2_500)
    expect(ticket.locator(".late")).to_have_count(0)
    page.add_init_script(f"{SHIFT}({MINUTES})")
    page.reload()
    expect(ticket).to_be_visible()
    page.wait_for_timeout(2_500)
    expect(ticket.locator(".late")).to_have_count(0)


def test_a_board_shows_what_is_open_beside_many_orders_of_a_clock_that_was_ahead(
    opened: Opener, tidy: StaffedShop
) -> None:
    """The newest sixty, of which its stream tells, are all of the day after tomorrow."""
    seen = tidy.place(visitor("Ann"), 1)
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    future = [
        seen | {"id": str(uuid4()), "placedAt": at, "updatedAt": at, "status": "FULFILLED"}
        for _ in range(60)
    ]
    page = opened(f"{tidy.url}#order")
    body = f"data: {json.dumps({'orders': future, 'next': None})}\n\n"
    page.route(
        "**/fulfillment-orders/events*",
        lambda route: route.fulfill(body=body, content_type="text/event-stream"),
    )
    page.get_by_role("link", name="Board").click()
    expect(page.locator(".ended li")).to_have_count(24)
    page.wait_for_timeout(4_000)
    customer = visitor("Ben")
    tidy.place(customer, 1)
    expect(page.locator(".open .ticket", has_text=customer)).to_be_visible(timeout=8_000)


def test_taps_are_sent_when_the_clock_is_set_back_between_them(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 1)
    page = at_station(opened, tidy)
    job(page, customer).get_by_role("button", name="Start").click()
    expect(job(page, customer)).to_contain_text("Sent in")
    page.evaluate(f"{SHIFT}(-{MINUTES})")
    tidy.until(order["id"], lambda all_: all_ == ["STARTED"])
    expect(job(page, customer).locator(".pending")).to_be_hidden()
    page.evaluate(f"{SHIFT}(-{MINUTES})")
    job(page, customer).get_by_role("button", name="Ready").click()
    tidy.until(order["id"], lambda all_: all_ == ["READY"], UNDO + 10)
