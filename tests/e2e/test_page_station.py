"""The station's screen in a real Chromium: by finger, by keyboard, and without the shop."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from browser import Opener, later, visitor
from staffed_shop import UNDO, StaffedShop, at_station, give_name, give_token, staffed, taps, tidy

__all__ = ["staffed", "tidy"]

TAPS = "**/tickets/*/*"
SENT = 1_000 * UNDO + 5_000
"""Milliseconds within which a tap has reached the station."""


def card(page: Page, customer: str) -> Locator:
    return page.locator(".job", has_text=customer)


def test_new_barista_finds_the_screen_and_makes_a_drink_by_keyboard_alone(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = opened(tidy.url)
    page.get_by_role("link", name="Stations").press("Enter")
    page.get_by_role("link", name="Drinks").press("Enter")
    give_token(page)
    expect(page.locator(".keys")).to_contain_text("With a keyboard")
    expect(card(page, customer).locator(".number")).to_have_text(str(order["number"]))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    give_name(page, "Zoe")
    expect(card(page, customer)).to_contain_text("Being made by Zoe")
    assert page.locator("#news").inner_text() == f"Number {order['number']} started"
    page.wait_for_timeout(700)
    page.keyboard.press("1")
    page.keyboard.press(" ")
    expect(card(page, customer)).to_contain_text("Sent in")
    assert tidy.until(order["id"], lambda all_: all_ == ["STARTED"])
    assert tidy.until(order["id"], lambda all_: all_ == ["READY"])["status"] == "FULFILLED"
    expect(card(page, customer)).to_be_hidden()
    expect(page.locator(".just-ended li", has_text=customer)).to_contain_text("ready")


def test_keys_on_a_ticket_without_a_next_step_press_nothing(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    tidy.tap(order["id"], "start", "Zoe")
    page = at_station(opened, tidy)
    page.evaluate("window.print = () => { window.printed = true }; 0")
    for _ in range(2):
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        expect(card(page, customer)).to_contain_text("Sent in")
        page.wait_for_timeout(700)
    assert page.evaluate("window.printed") is None
    page.keyboard.press("p")
    page.wait_for_function("window.printed")


def test_digit_chooses_the_ticket_of_that_place(opened: Opener, tidy: StaffedShop) -> None:
    customers = [visitor(name) for name in ("Ann", "Ben", "Cleo")]
    for customer in customers:
        tidy.place(customer, 1)
    page = at_station(opened, tidy)
    assert page.locator(".job bdi").all_inner_texts()[:3] == customers
    page.keyboard.press("2")
    focused: str = page.evaluate("document.activeElement.closest('.job').textContent")
    assert customers[1] in focused


def test_undone_tap_never_leaves_the_screen(opened: Opener, tidy: StaffedShop) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    sent = taps(page)
    card(page, customer).get_by_role("button", name="Start").click()
    card(page, customer).get_by_role("button", name="Undo").click()
    expect(card(page, customer)).to_contain_text("Waiting")
    card(page, customer).get_by_role("button", name="Start").click()
    page.keyboard.press("u")
    expect(card(page, customer)).to_contain_text("Waiting")
    page.wait_for_timeout(1_000 * UNDO + 1_000)
    assert sent == []
    assert tidy.statuses(order["id"]) == ["QUEUED"]


def test_finger_that_trembles_taps_once(opened: Opener, tidy: StaffedShop) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    sent = taps(page)
    card(page, customer).locator(".main-action").dblclick()
    tidy.until(order["id"], lambda all_: all_ == ["STARTED"])
    page.wait_for_timeout(1_500)
    assert sent == ["start"]


def test_taps_without_the_shop_outlive_the_page_and_are_sent_in_turn(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    page.route(TAPS, lambda route: route.abort())
    card(page, customer).get_by_role("button", name="Start").click()
    page.wait_for_timeout(700)
    card(page, customer).get_by_role("button", name="Ready").click()
    expect(page.locator(".unsent")).to_contain_text("2 taps are not sent yet", timeout=SENT)
    assert tidy.statuses(order["id"]) == ["QUEUED"]
    later = page.context.new_page()
    page.close()
    sent = taps(later)
    later.goto(f"{tidy.url}#board")
    give_token(later)
    tidy.until(order["id"], lambda all_: all_ == ["READY"])
    later.wait_for_timeout(200)
    assert sent == ["start", "start", "ready"]  # the first one was asked for the token


def test_screen_without_a_network_says_so_and_goes_on_when_it_is_back(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    page.context.set_offline(True)
    expect(page.locator("#notices")).to_contain_text("The shop cannot be reached.")
    card(page, customer).get_by_role("button", name="Start").click()
    expect(page.locator(".unsent")).to_contain_text("1 tap is not sent yet", timeout=SENT)
    page.context.set_offline(False)
    tidy.until(order["id"], lambda all_: all_ == ["STARTED"])
    expect(page.locator(".unsent")).to_be_hidden()
    expect(page.locator("#notices")).to_be_empty(timeout=20_000)


def test_tap_whose_answer_is_lost_is_taken_once(opened: Opener, tidy: StaffedShop) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    lost: list[Any] = []

    def lose(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.fetch().json())
        return route.abort()

    page.route(TAPS, lose)
    card(page, customer).get_by_role("button", name="Start").click()
    expect(card(page, customer).locator(".pending")).to_be_hidden(timeout=SENT)
    assert lost[0]["sequence"] == 2
    assert tidy.tap(order["id"], "start", "Zoe")["sequence"] == 2


def test_ticket_that_somebody_else_took_is_shown_as_it_is(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    page.route("**/tickets/events*", lambda route: route.abort())
    card(page, customer).get_by_role("button", name="Start").click()
    tidy.tap(order["id"], "start", "Bob")
    expect(card(page, customer)).to_contain_text("Somebody was faster", timeout=SENT)
    expect(card(page, customer)).to_contain_text("Being made by Bob")


def test_cancelled_ticket_leaves_the_screen_that_was_about_to_start_it(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 5)
    page = at_station(opened, tidy)
    card(page, customer).get_by_role("button", name="Start").click()
    tidy.cancel(order["id"])
    expect(card(page, customer)).to_be_hidden()
    page.wait_for_timeout(1_000 * UNDO + 500)
    assert tidy.get(order["id"])["status"] == "CANCELLED"
    expect(page.locator(".unsent")).to_be_hidden()


def test_item_that_cannot_be_made_has_its_reason_and_is_not_paid(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 1, 5)
    till = opened(f"{tidy.url}#mine")
    till.locator("#who").fill(customer)
    till.get_by_role("button", name="Find my orders").click()
    page = at_station(opened, tidy)
    card(page, customer).get_by_role("button", name="Cannot be made").click()
    dialog = page.locator("#cannot")
    dialog.get_by_role("button", name="Cannot be made").click()
    expect(dialog.locator(".wrong")).to_contain_text("Choose what cannot be made.")
    dialog.get_by_label("Latte").check()
    dialog.get_by_label("In your own words").fill("The cow is on holiday")
    dialog.get_by_role("button", name="Cannot be made").click()
    assert tidy.until(order["id"], lambda all_: all_ == ["QUEUED", "FAILED"])
    tidy.tap(order["id"], "start", "Zoe")
    tidy.tap(order["id"], "ready", "Zoe")
    receipt = till.locator(".receipt")
    expect(receipt.locator(".who .status")).to_have_text("Partly ready")
    expect(receipt).to_contain_text("The cow is on holiday")
    expect(receipt.locator(".due")).to_contain_text("$3.00")


def test_each_item_can_be_started_and_finished_by_itself(opened: Opener, tidy: StaffedShop) -> None:
    customer = visitor("Ann")
    order = tidy.place(customer, 1, 5, 5)
    page = at_station(opened, tidy)
    row = card(page, customer).locator(".work li", has_text="2 × Latte")
    row.get_by_role("button", name="Start").click()
    tidy.until(order["id"], lambda all_: all_ == ["QUEUED", "STARTED", "STARTED"])
    expect(card(page, customer).locator(".main-action")).to_contain_text("Start the rest")
    row.get_by_role("button", name="Ready").click()
    tidy.until(order["id"], lambda all_: all_ == ["QUEUED", "READY", "READY"])


@pytest.mark.parametrize(("seconds", "pace"), [(0, "fresh"), (200, "slow"), (400, "late")])
def test_ticket_has_the_colour_of_its_age(
    opened: Opener, tidy: StaffedShop, seconds: int, pace: str
) -> None:
    customer = visitor("Ann")
    tidy.place(customer, 5)
    page = at_station(opened, tidy)
    later(page, seconds)
    page.reload()
    expect(card(page, customer)).to_have_class(re.compile(pace))
    if pace != "fresh":
        expect(card(page, customer).locator(".age")).to_contain_text(pace)
