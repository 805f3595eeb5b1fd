"""How staff come to their station's screen: on any device, and without a token at first."""

import pytest
from playwright.sync_api import expect

from browser import Opener, violations, visitor
from staffed_shop import StaffedShop, give_token, staffed, tidy

__all__ = ["staffed", "tidy"]

DAY_PERIOD = 15_000
"""Milliseconds between two looks at the day's times, which need the token, too."""


@pytest.mark.parametrize("width", [320, 360, 1024])
def test_way_to_each_view_is_in_sight(opened: Opener, tidy: StaffedShop, width: int) -> None:
    page = opened(tidy.url, width=width)
    for name in ("Order", "My orders", "Board", "Pick-up", "Stations"):
        box = page.locator("nav").get_by_role("link", name=name, exact=True).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width, name


def test_who_gave_no_token_is_not_asked_again_and_can_give_it_later(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    tidy.place(customer, 5)
    page = opened(f"{tidy.url}#station/barista")
    page.clock.install()
    page.reload()
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.press("Escape")
    notice = page.locator("#notices")
    expect(notice).to_contain_text("A valid token is needed for this.")
    page.clock.fast_forward(2 * DAY_PERIOD)
    page.wait_for_timeout(500)
    expect(page.locator("#ask")).to_be_hidden()
    assert violations(page) == []
    notice.get_by_role("button", name="Give the staff token").click()
    give_token(page)
    expect(page.locator(".job", has_text=customer)).to_be_visible()
    expect(notice).to_be_empty()
