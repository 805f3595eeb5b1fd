"""What the page shows goes along with the shop, and tramples on nobody."""

import json

import pytest
from playwright.sync_api import Page, expect

from browser import Opener, requests, visitor
from driver import Driver, away
from scripts.stack.supervise import Stack

MENU = "**/v1/api/menu"
RUSH = 70
"""More orders than the board's stream carries."""


def search(page: Page, customer: str) -> None:
    page.locator("#who").fill(customer)
    page.get_by_role("button", name="Find my orders").click()


def test_board_shows_every_open_order_and_the_oldest_first(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    """Also those that more than a stream of newer ones came after, before and after it opened."""
    first, second, third = (visitor(name) for name in ("First", "Second", "Third"))
    with away(stack, "kitchen"):
        shop.place(first, (), (7,))
        for number in range(RUSH):
            shop.place(f"rush {number}", (1,), ())
        page = opened(f"{url}#board", width=1920)
        waiting = page.locator("section[aria-labelledby=column-PLACED] .ticket")
        expect(waiting.filter(has_text=first)).to_be_visible()
        shop.place(second, (), (7, 7))
        for number in range(RUSH):
            shop.place(f"rush {number}", (1,), ())
        shop.place(third, (), (8,))
        expect(waiting.filter(has_text=third)).to_be_visible()
        names = waiting.locator("bdi").all_inner_texts()
        assert [name for name in names if name in (first, second, third)] == [first, second, third]
        expect(waiting.filter(has_text=second)).to_contain_text("2 × Croissant")
        small = page.locator(".ended li")
        expect(small.first).to_contain_text("rush")
        assert small.count() <= 24
    for customer in (first, second, third):
        expect(small.filter(has_text=customer)).to_be_visible(timeout=60_000)
        expect(waiting.filter(has_text=customer)).to_be_hidden()


def test_cards_are_as_tall_as_what_they_hold(opened: Opener, url: str, shop: Driver) -> None:
    customer = visitor("Hal")
    shop.place(customer, (1,), ())
    shop.place(customer, (0, 1, 2, 3, 4, 5), (6, 7))
    page = opened(f"{url}#mine", width=1920)
    search(page, customer)
    cards = page.locator(".tickets .card")
    expect(cards).to_have_count(2)
    tall, low = (cards.nth(n).bounding_box() for n in range(2))
    assert tall is not None
    assert low is not None
    assert tall["y"] == low["y"]
    assert low["height"] < tall["height"] / 1.5


def test_earlier_orders_stay_while_the_newer_ones_change(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    customer = visitor("Ida")
    for _ in range(25):
        shop.place(customer, (1,), ())
    page = opened(f"{url}#mine")
    with away(stack, "kitchen"):
        shop.place(customer, (), (7,))
        search(page, customer)
        page.get_by_role("button", name="Earlier orders").click()
        cards = page.locator(".tickets .card")
        expect(cards).to_have_count(26)
        shop.place(customer, (), (8,))
        expect(cards).to_have_count(27)
        expect(cards.first).to_contain_text("Muffin")
    expect(cards.first).to_contain_text("Ready", timeout=60_000)
    expect(cards.nth(1).locator(".who")).to_contain_text("Ready", timeout=60_000)
    expect(cards).to_have_count(27)


def test_half_typed_name_is_not_searched(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    customer = visitor("Kim")
    page = opened(f"{url}#mine")
    with away(stack, "kitchen"):
        shop.place(customer, (), (7,))
        search(page, customer)
        expect(page.locator(".tickets .card")).to_have_count(1)
        made = requests(page)
        page.locator("#who").fill("Ja")
        page.wait_for_timeout(5_000)
        assert made
        assert not [each for each in made if "loyaltyMemberId=Ja" in each]
        expect(page.locator(".tickets .card")).to_have_count(1)
        expect(page.locator("#who")).to_have_value("Ja")


def test_view_that_is_not_shown_asks_for_nothing(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    customer = visitor("Lea")
    page = opened(f"{url}#mine")
    with away(stack, "kitchen"):
        shop.place(customer, (), (7,))
        search(page, customer)
        expect(page.locator(".tickets .card")).to_have_count(1)
        made = requests(page)
        page.goto(f"{url}#board")
        page.wait_for_timeout(500)
        made.clear()  # of what was under way
        page.wait_for_timeout(5_000)
        assert not [each for each in made if "loyaltyMemberId" in each or each.endswith("/menu")]
        page.goto(f"{url}#order")
        expect(page.locator("#menu li").first).to_be_visible()
        made.clear()
        page.wait_for_timeout(5_000)
        assert 3 <= len([each for each in made if each.endswith("/v1/api/menu")]) <= 6
        assert not [each for each in made if "fulfillment" in each or "loyaltyMemberId" in each]


def test_search_that_is_under_way_when_the_view_changes_is_not_repeated(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    """Its answer comes when another view is shown: it must not begin a round of looks."""
    customer = visitor("Lou")
    page = opened(f"{url}#mine")
    page.evaluate(
        "() => { const real = fetch; window.fetch = async (...asked) => {"
        " const answer = await real(...asked);"
        " if (String(asked[0]).includes('loyaltyMemberId')) await new Promise("
        " (go) => setTimeout(go, 1000)); return answer; } }"
    )
    with away(stack, "kitchen"):
        shop.place(customer, (), (7,))
        with page.expect_request("**loyaltyMemberId=Lou*"):
            search(page, customer)
        page.goto(f"{url}#board")
        page.wait_for_timeout(2_000)
        made = requests(page)
        page.wait_for_timeout(4_000)
        assert not [each for each in made if "loyaltyMemberId" in each]


def test_tab_in_the_background_asks_for_nothing_until_it_comes_back(
    opened: Opener, url: str
) -> None:
    page = opened(url)
    expect(page.locator("#menu li").first).to_be_visible()
    hide = (
        "value => { Object.defineProperty(document, 'hidden', {value, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate(hide, True)
    page.wait_for_timeout(500)
    made = requests(page)
    page.wait_for_timeout(4_000)
    assert made == []
    with page.expect_request(MENU, timeout=1_000):
        page.evaluate(hide, False)


@pytest.mark.parametrize("view", ["order", "station"])
def test_page_that_was_opened_without_a_menu_asks_again(
    opened: Opener, url: str, view: str
) -> None:
    page = opened(url)
    page.route(MENU, lambda route: route.abort())
    page.goto(f"{url}#{view}")
    page.reload()
    notice = page.locator("#notices")
    expect(notice).to_contain_text("The menu cannot be shown yet.")
    page.wait_for_timeout(3_000)
    expect(notice).to_contain_text("The menu cannot be shown yet.")
    page.unroute(MENU)
    expect(page.get_by_text("Croissant chocolate")).to_be_visible()
    expect(notice).to_be_empty()


def test_message_of_a_failed_switch_stays(opened: Opener, url: str) -> None:
    page = opened(f"{url}#station")
    row = page.get_by_role("group", name="Muffin")
    expect(row.get_by_label("On sale")).to_be_checked()
    page.route("**/unavailable", lambda route: route.fulfill(status=403, json={"status": 403}))
    row.get_by_label("Sold out").click()
    message = row.locator(".wrong")
    expect(message).to_have_text("It was not changed. This is not allowed.")
    expect(row.get_by_label("On sale")).to_be_checked()
    page.wait_for_timeout(4_000)
    expect(message).to_be_visible()
    page.unroute("**/unavailable")
    row.get_by_label("Sold out").click()
    expect(message).to_be_hidden()
    expect(row.get_by_label("Sold out")).to_be_checked()
    row.get_by_label("On sale").click()
    expect(row.get_by_label("On sale")).to_be_checked()


def test_item_of_a_silent_station_is_neither_on_sale_nor_sold_out(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    page, customers = opened(f"{url}#station"), opened(url)
    croissant = page.get_by_role("group", name="Croissant", exact=True)
    with away(stack, "kitchen"):
        expect(page.locator(".warning")).to_contain_text("what is sold out here is not known")
        for label in ("On sale", "Sold out"):
            expect(croissant.get_by_label(label)).not_to_be_checked()
        expect(page.get_by_role("group", name="Latte").get_by_label("On sale")).to_be_checked()
        expect(customers.locator("#item-7")).to_contain_text("may be sold out")
        expect(customers.locator("#item-7")).to_be_enabled()
    expect(croissant.get_by_label("On sale")).to_be_checked()


def test_notice_of_a_shop_out_of_reach_ends_when_it_is_back(opened: Opener, url: str) -> None:
    page = opened(f"{url}#board")
    stream = "**/v1/api/fulfillment-orders/events*"
    expect(page.locator(".ended li").first).to_be_visible()
    page.route(stream, lambda route: route.abort())
    page.goto(f"{url}#order")
    page.goto(f"{url}#board")
    notice = page.locator("#notices")
    expect(notice).to_have_text("The shop cannot be reached. Trying again …")
    page.unroute(stream)
    expect(notice).to_be_empty()


def test_board_without_room_for_its_stream_asks_for_the_list(
    opened: Opener, url: str, shop: Driver
) -> None:
    page = opened(url)
    full = {"title": "Try again later", "status": 503}
    page.route(
        "**/v1/api/fulfillment-orders/events*",
        lambda route: route.fulfill(status=503, headers={"retry-after": "1"}, json=full),
    )
    page.goto(f"{url}#board")
    expect(page.locator(".ended li").first).to_be_visible()
    customer = visitor("Mia")
    shop.place(customer)
    expect(page.locator(".ended li", has_text=customer)).to_be_visible()
    expect(page.locator("#notices")).to_be_empty()


def test_orders_that_cannot_be_looked_at_are_shown_as_old(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    customer = visitor("Ann")
    with away(stack, "kitchen"):
        placed = shop.place(customer, barista=())
        page = opened(f"{url}#mine")
        page.locator("#who").fill(customer)
        page.get_by_role("button", name="Find my orders").click()
        expect(page.locator(".tickets .receipt")).to_be_visible()
        notice = page.locator("#notices")
        expect(notice).to_be_empty()
        page.route("**/v1/api/orders?*", lambda route: route.abort())
        expect(notice).to_contain_text("The shop cannot be reached.")
        page.unroute("**/v1/api/orders?*")
        expect(notice).to_be_empty()
    shop.finished(placed["id"])


def test_screen_of_a_station_that_makes_by_itself_says_so(opened: Opener, url: str) -> None:
    page = opened(f"{url}#station/barista")
    expect(page.locator("#to-make ~ .note").first).to_contain_text("makes by itself")


def test_screen_of_a_station_that_is_not_there_says_so(opened: Opener, url: str) -> None:
    page = opened(f"{url}#station/nosuch")
    expect(page.locator("#notices")).to_contain_text("This is not there any more.")


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "a moment"), (40, "about 40 seconds"), (360, "about 6 minutes")]
)
def test_estimate_that_is_over_says_no_length(
    opened: Opener, url: str, seconds: int, told: str
) -> None:
    order = {"orderId": "a", "number": 7, "name": "Ann", "status": "IN_PROGRESS"}
    order |= {"placedAt": "2026-11-24T10:00:00Z", "readyAt": None, "estimateSeconds": seconds}
    seen = json.dumps({"inPreparation": [order], "ready": []})
    page = opened(url)
    page.route(
        "**/v1/api/pickup/events",
        lambda route: route.fulfill(body=f"data: {seen}\n\n", content_type="text/event-stream"),
    )
    page.goto(f"{url}#pickup")
    expect(page.locator(".is-waiting .estimate")).to_have_text(told)
