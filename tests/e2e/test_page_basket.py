"""The page's basket: what is in it can be had, and it becomes one order, whatever happens."""

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from browser import (
    Opener,
    choose,
    hold_answer,
    lose_answer,
    lose_request,
    on_post,
    refuse,
    requests,
    sold_out,
    violations,
    visitor,
)
from driver import Driver, Json


@pytest.fixture
def customer(shop: Driver) -> str:
    return visitor("Gil")


def orders_of(shop: Driver, customer: str) -> list[Json]:
    answer = shop.counter.get("/v1/api/orders", params={"loyaltyMemberId": customer})
    found: list[Json] = answer.json()["orders"]
    return found


def fill(page: Page, customer: str) -> None:
    """One latte for the customer, not placed yet."""
    choose(page, "Latte")
    page.locator("#customer").fill(customer)


def is_ready(page: Page) -> None:
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")


def test_equal_items_are_one_line_with_a_button_for_more_and_one_for_less(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    page = opened(url)
    choose(page, "Latte", "Croissant", "Latte")
    lines = page.locator("#basket .lines li")
    expect(lines).to_have_count(2)
    page.get_by_role("button", name="One Latte more").click()
    expect(lines.first).to_contain_text("3 × Latte$13.50")
    page.get_by_role("button", name="One Croissant less").click()
    expect(lines).to_have_count(1)
    assert page.evaluate("document.activeElement.id") == "item-7"
    page.locator("#customer").fill(customer)
    page.locator("#place").click()
    is_ready(page)
    expect(page.locator("#placed .receipt li").first).to_contain_text("3 × Latte$13.50Ready")
    page.goto(f"{url}#board")
    expect(page.locator(".ended li", has_text=customer)).to_be_visible()
    assert len(orders_of(shop, customer)[0]["items"]) == 3


def test_basket_holds_no_more_than_the_shop_takes(opened: Opener, url: str, customer: str) -> None:
    page = opened(url)
    fill(page, customer)
    more = page.get_by_role("button", name="One Latte more")
    for _ in range(49):
        more.click()
    expect(more).to_be_disabled()
    choose(page, "Muffin")
    for told in ("#news", "#basket .note"):
        expect(page.locator(told)).to_have_text("An order holds at most 50 items.")
    page.locator("#place").click()
    is_ready(page)


def test_bar_on_a_phone_says_what_is_chosen_and_leads_to_the_basket(
    opened: Opener, url: str
) -> None:
    page = opened(url, width=360)
    expect(page.locator("#menu li").first).to_be_visible()
    bar = page.locator(".bar")
    expect(bar).to_be_hidden()
    choose(page, "Coffee black", "Coffee black", "Latte")
    page.evaluate("scrollTo(0, 0)")
    expect(bar).to_have_text("Your basket: 3 items$10.50")
    assert violations(page) == []
    bar.click()
    expect(page.locator("#basket-title")).to_be_in_viewport()
    expect(bar).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "basket-title"


def test_sold_out_item_is_marked_within_two_seconds_and_the_basket_warns(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    page = opened(url)
    fill(page, customer)
    choose(page, "Cakepop")
    item = page.locator("#item-6")
    with sold_out(shop, 6):
        expect(item).to_be_disabled(timeout=2_000)
        expect(item).to_contain_text("sold out")
        expect(page.locator("#basket .warning")).to_contain_text("Cakepop has just sold out.")
        expect(page.locator("#place")).to_be_disabled()
        page.get_by_role("button", name="Take it out").click()
        expect(page.locator("#place")).to_have_text("Place order · $4.50")
        page.locator("#place").click()
        is_ready(page)
    expect(item).to_be_enabled(timeout=2_000)


def test_item_that_sells_out_too_late_to_tell_is_named_in_the_order(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    page = opened(url)
    fill(page, customer)
    choose(page, "Cakepop")
    page.route("**/v1/api/menu", lambda route: route.abort())
    with sold_out(shop, 6):
        page.locator("#place").click()
        expect(page.locator("#placed-title")).to_have_text(
            "Your order is ready, but not all of it could be made."
        )
        expect(page.locator(".receipt .reason")).to_have_text("Cakepop is sold out.")
        expect(page.locator("#placed .who .status")).to_have_text("Partly ready")


def test_basket_and_name_outlive_a_reload(opened: Opener, url: str, customer: str) -> None:
    page = opened(url)
    fill(page, customer)
    choose(page, "Latte")
    page.reload()
    expect(page.locator("#basket .lines li")).to_contain_text("2 × Latte$9.00")
    expect(page.locator("#customer")).to_have_value(customer)


def test_reload_while_the_order_is_on_its_way_places_it_once(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    page = opened(url)
    keys = on_post(page, hold_answer)
    fill(page, customer)
    page.locator("#place").click()
    expect(page.locator("#place")).to_have_text("Placing your order …")
    page.wait_for_timeout(500)
    page.reload()
    is_ready(page)
    expect(page.locator("#basket .lines li")).to_have_count(0)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(orders_of(shop, customer)) == 1


def test_lost_answer_is_found_out_with_the_same_key(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    """Four times in a row: the page says that it does not know, and locks what was sent."""
    page = opened(url)
    keys = on_post(page, *4 * [lose_answer])
    fill(page, customer)
    page.locator("#place").click()
    told = page.locator("#basket .warning")
    expect(told).to_contain_text("we are finding out whether your order was placed")
    expect(page.locator("#customer")).to_be_disabled()
    expect(page.get_by_role("button", name="One Latte more")).to_be_disabled()
    is_ready(page)
    expect(told).to_be_hidden()
    assert len(keys) == 5
    assert len(set(keys)) == 1
    assert len(orders_of(shop, customer)) == 1


def test_order_that_nobody_answers_is_left_to_the_customer(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    """Repeating it for ever could place it when nobody wants it any more."""
    page = opened(url)
    page.clock.install()
    keys = on_post(page, *200 * [lose_request])
    fill(page, customer)
    page.locator("#place").click()
    again = page.get_by_role("button", name="Try again")
    for _ in range(60):
        page.clock.run_for(5_000)
        if again.is_visible():
            break
    tried = len(keys)
    page.clock.run_for(20_000)
    assert len(keys) == tried
    assert len(set(keys)) == 1
    page.unroute("**/v1/api/orders")
    page.reload()
    page.clock.resume()
    expect(page.locator("#placed")).to_be_hidden()
    again.click()
    is_ready(page)
    assert len(orders_of(shop, customer)) == 1


def test_attempt_of_before_the_clock_was_set_back_is_left_to_the_customer(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    """How long ago it began nobody knows."""
    page = opened(url)
    keys = on_post(page, *50 * [lose_request])
    fill(page, customer)
    page.locator("#place").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.evaluate(
        "() => { const open = JSON.parse(sessionStorage.getItem('attempt'));"
        " open.began += 3600e3; sessionStorage.setItem('attempt', JSON.stringify(open)); }"
    )
    page.reload()
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute("**/v1/api/orders")
    again.click()
    is_ready(page)
    assert len(set(keys)) == 1
    assert len(orders_of(shop, customer)) == 1


def test_attempt_that_is_given_up_warns_and_the_next_has_a_new_key(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    page = opened(url)
    keys = on_post(page, lose_answer, *50 * [lose_request])
    fill(page, customer)
    page.locator("#place").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#basket .wrong")).to_contain_text("This order may have been placed.")
    page.unroute("**/v1/api/orders")
    first = set(keys)
    keys = on_post(page)
    page.locator("#customer").fill(f"{customer} Jr")
    page.locator("#place").click()
    is_ready(page)
    assert len(keys) == 1
    assert first.isdisjoint(keys)
    assert len(orders_of(shop, f"{customer} Jr")) == 1


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_definite_refusal_begins_a_new_key(
    opened: Opener, url: str, shop: Driver, customer: str, status: int
) -> None:
    page = opened(url)
    keys = on_post(page, refuse(status))
    fill(page, customer)
    page.locator("#place").click()
    expect(page.locator("#basket .wrong")).to_contain_text("Your order was not placed.")
    page.locator("#customer").fill(f"{customer} Jr")
    page.locator("#place").click()
    is_ready(page)
    expect(page.locator("#basket .wrong")).to_be_hidden()
    assert len(set(keys)) == 2
    assert len(orders_of(shop, f"{customer} Jr")) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_shop_is_asked_again_with_the_same_key(
    opened: Opener, url: str, shop: Driver, customer: str, status: int
) -> None:
    page = opened(url)
    keys = on_post(page, refuse(status))
    fill(page, customer)
    page.locator("#place").click()
    is_ready(page)
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_impatient_presses_place_one_order(
    opened: Opener, url: str, shop: Driver, customer: str
) -> None:
    page = opened(url)

    def slow(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    on_post(page, slow)
    fill(page, customer)
    page.evaluate(
        "() => { for (let n = 0; n < 5; n += 1) document.getElementById('basket').requestSubmit() }"
    )
    is_ready(page)
    assert len(orders_of(shop, customer)) == 1


@pytest.mark.parametrize("name", ["", "   "])
def test_order_without_a_name_is_not_sent(opened: Opener, url: str, name: str) -> None:
    page = opened(url)
    made = requests(page)
    fill(page, name)
    page.locator("#place").click()
    expect(page.locator("#basket .wrong")).to_contain_text("your name")
    assert not [each for each in made if re.match("POST", each)]


def test_damaged_memory_of_the_browser_is_ignored(opened: Opener, url: str) -> None:
    page = opened(url)
    page.evaluate(
        "() => { for (const [name, text] of [['basket', '[{}]'], ['attempt', '7'], ['placed', '{'],"
        " ['customer', '{}']]) sessionStorage.setItem(name, text) }"
    )
    page.reload()
    choose(page, "Latte")
    expect(page.locator("#place")).to_have_text("Place order · $4.50")
    for count in ("1e9", "-3", "0.5"):
        page.evaluate(
            "(count) => sessionStorage.setItem('basket',"
            ' `[{"itemType":5,"name":"LATTE","price":4.5,"count":${count}}]`)',
            count,
        )
        page.reload()
        expect(page.locator("#basket")).to_contain_text("Nothing chosen yet.")
