"""Answers that are lost, late or not the shop's own: the page says nothing that is not so."""

import pytest
from playwright.sync_api import Page, Route, expect

from browser import Opener, choose, lose_answer, on_post, refuse, visitor
from driver import Driver
from staffed_shop import StaffedShop, staffed, tidy

__all__ = ["staffed", "tidy"]

STREAM = "**/fulfillment-orders/events*"


@pytest.fixture
def customer(shop: Driver) -> str:
    return visitor("Gil")


def search(page: Page, customer: str) -> None:
    page.locator("#who").fill(customer)
    page.get_by_role("button", name="Find my orders").click()


def test_search_that_is_overtaken_shows_nothing(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    other = visitor("Hal")
    shop.place(customer, (1,), ())
    shop.place(other, (2,), ())
    page = opened(f"{url}#mine")
    page.evaluate(
        """name => { const own = fetch; window.fetch = async (path, options) => {
          const answer = own(path, options);
          if (path.includes(encodeURIComponent(name).replaceAll('%20', '+')))
            await new Promise(done => setTimeout(done, 2000));
          return answer;
        } }""",
        customer,
    )
    for name in (customer, other):
        search(page, name)
    cards = page.locator(".tickets .card")
    expect(cards).to_contain_text(other)
    page.wait_for_timeout(3_000)
    expect(cards).to_contain_text(other)


@pytest.mark.parametrize("status", [403, 404, 400])
def test_board_goes_on_after_a_proxy_has_refused_it(
    opened: Opener, url: str, shop: Driver, customer: str, status: int
) -> None:
    page = opened(f"{url}#order")
    left = [status]

    def answer(route: Route) -> None:
        if left:
            return route.fulfill(status=left.pop(), body="no such backend")
        return route.continue_()

    page.route(STREAM, answer)
    page.get_by_role("link", name="Board").click()
    expect(page.locator("#notices")).not_to_be_empty()
    shop.place(customer, (1,), ())
    expect(page.locator(".ended li", has_text=customer)).to_be_visible(timeout=15_000)
    expect(page.locator("#notices")).to_be_empty()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_refusal_after_a_lost_answer_does_not_say_that_nothing_was_ordered(
    opened: Opener, url: str, shop: Driver, customer: str, status: int
) -> None:
    page = opened(url)
    keys = on_post(page, lose_answer, refuse(status))
    choose(page, "Latte")
    page.locator("#customer").fill(customer)
    page.locator("#place").click()
    if status == 401:
        page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#basket .warning")).to_contain_text("Your order may have been placed.")
    expect(page.locator("#basket .wrong")).to_have_count(0)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    assert (len(keys), len(set(keys))) == (3, 1)
    found = shop.counter.get("/v1/api/orders", params={"loyaltyMemberId": customer})
    assert len(found.json()["orders"]) == 1


def test_cancelling_whose_answer_is_lost_is_not_called_too_late(
    opened: Opener, tidy: StaffedShop, customer: str
) -> None:
    order = tidy.place(customer, 1)
    page = opened(f"{tidy.url}#mine")
    search(page, customer)
    tries: list[int] = []

    def answer(route: Route) -> None:
        found = route.fetch()
        tries.append(found.status)
        if len(tries) > 1:
            return route.fulfill(response=found)
        tidy.until(order["id"], lambda all_: all_ == ["CANCELLED"])
        return route.abort()

    page.route("**/cancel", answer)
    page.get_by_role("button", name="Cancel order").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    card = page.locator(".tickets .card")
    expect(card.locator(".who")).to_contain_text("Cancelled")
    page.wait_for_timeout(2_000)
    assert tries == [202, 409]
    expect(card).not_to_contain_text("too late")


def test_token_of_any_letters_is_refused_and_asked_for_again(opened: Opener, url: str) -> None:
    page = opened(url)

    def guard(route: Route) -> None:
        given = route.request.headers.get("authorization")
        if given == "Bearer let-me-in":
            return route.continue_()
        return route.fulfill(status=401, json={"title": "Unauthorized", "status": 401})

    page.route(STREAM, guard)
    page.get_by_role("link", name="Board").click()
    for given in ("ключ…", "let-me-in"):
        page.locator("#token").fill(given)
        page.get_by_role("button", name="Continue").click()
        if given != "let-me-in":
            expect(page.locator("#ask .wrong")).to_have_text("That one was not accepted.")
    expect(page.locator("#ask")).to_have_count(0)
    expect(page.locator("#notices")).to_be_empty()
