"""What stands beside the tickets: sound, paper, the sold-out list, the day; and pick-up."""

import pytest
from playwright.sync_api import Page, expect

from browser import Opener, later, violations, visitor
from staffed_shop import StaffedShop, at_station, give_token, staffed, tidy
from tests.support.waiting import until

__all__ = ["staffed", "tidy"]

WIDTHS = (360, 1024, 1920)
COUNT_NOTES = """
window.notes = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...all) {
  window.notes += 1;
  return start.apply(this, all);
};
0
"""
SHOW_PAPER = """
window.printed = [];
window.print = () => {
  const rule = document.adoptedStyleSheets[0].cssRules[0].cssText;
  window.printed.push([document.querySelector('.paper').innerText, rule]);
};
0
"""


def notes(page: Page) -> int:
    count: int = page.evaluate("window.notes")
    return count


def test_new_ticket_sounds_where_the_switch_is_on_also_after_a_reload(
    opened: Opener, tidy: StaffedShop
) -> None:
    page = at_station(opened, tidy)
    page.context.add_init_script(COUNT_NOTES)
    page.reload()
    switch = page.get_by_role("switch", name="Sound")
    expect(switch).not_to_be_checked()
    expect(page.locator(".jobs")).to_be_attached()
    quiet = visitor("Ann")
    tidy.place(quiet, 5)
    expect(page.locator(".job", has_text=quiet)).to_be_visible()
    assert notes(page) == 0
    switch.click()
    page.reload()
    expect(switch).to_be_checked()
    expect(page.locator(".job", has_text=quiet)).to_be_visible()
    assert notes(page) == 0
    loud = visitor("Ben")
    number = tidy.place(loud, 5)["number"]
    expect(page.locator(".job", has_text=loud)).to_be_visible()
    assert notes(page) == 2
    assert page.locator("#news").inner_text() == f"New: number {number}, Latte"


def printed(page: Page, count: int) -> None:
    until(lambda: page.evaluate("window.printed.length") == count, 5, "it is not printed")


def test_ticket_is_printed_80_mm_wide_and_as_long_as_it_is(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    number = tidy.place(customer, 1, 5, 5)["number"]
    page = at_station(opened, tidy)
    page.evaluate(SHOW_PAPER)
    ticket = page.locator(".job", has_text=customer)
    ticket.get_by_role("button", name="Print").click()
    printed(page, 1)
    page.get_by_role("switch", name="Print new tickets").click()
    by_itself = visitor("Ben")
    tidy.place(by_itself, 0)
    printed(page, 2)
    (text, rule), (second, _) = page.evaluate("window.printed")
    for line in (str(number), customer, "Coffee black", "2 × Latte"):
        assert line in text
    assert "80mm" in rule
    assert by_itself in second
    assert page.locator(".paper").count() == 0


def test_what_is_sold_out_is_marked_beside_the_tickets(opened: Opener, tidy: StaffedShop) -> None:
    page = at_station(opened, tidy, "kitchen")
    muffin = page.get_by_role("group", name="Muffin")
    muffin.get_by_label("Sold out").click()
    customers = opened(tidy.url)
    expect(customers.locator("#item-8")).to_contain_text("sold out")
    muffin.get_by_label("On sale").click()
    expect(customers.locator("#item-8")).to_be_enabled()
    expect(page.get_by_role("group", name="Latte")).to_have_count(0)


def test_day_is_closed_with_a_reason_and_its_times_are_shown(
    opened: Opener, tidy: StaffedShop
) -> None:
    made = tidy.place(visitor("Ann"), 5)
    tidy.tap(made["id"], "start", "Zoe")
    tidy.tap(made["id"], "ready", "Zoe")
    left = tidy.place(visitor("Ben"), 5)
    page = at_station(opened, tidy)
    expect(page.locator(".day td").nth(1)).to_contain_text("second")
    page.get_by_role("button", name="Close the day").click()
    dialog = page.locator("#close-day")
    expect(dialog).to_contain_text("the open ticket")
    dialog.get_by_label("Why?").fill("It is late")
    dialog.get_by_role("button", name="Close the day").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".job")).to_have_count(0)
    order = tidy.until(left["id"], lambda all_: all_ == ["FAILED"])
    assert order["items"][0]["reason"] == "It is late"


def test_customer_cancels_while_nothing_is_begun_and_no_later(
    opened: Opener, tidy: StaffedShop
) -> None:
    customer = visitor("Ann")
    page = opened(f"{tidy.url}#mine")
    first, second = tidy.place(customer, 5), tidy.place(customer, 1)
    page.locator("#who").fill(customer)
    page.get_by_role("button", name="Find my orders").click()
    one = page.locator(".ticket", has_text="Latte")
    one.get_by_role("button", name="Cancel order").click()
    one.get_by_role("button", name="Yes, cancel it").click()
    expect(one.locator(".who .status")).to_have_text("Cancelled")
    expect(one.locator(".due")).to_contain_text("$0.00")
    expect(one.get_by_role("button")).to_have_count(0)
    two = page.locator(".ticket", has_text="Coffee black")
    two.get_by_role("button", name="Cancel order").click()
    tidy.tap(second["id"], "start", "Zoe")
    two.get_by_role("button", name="Yes, cancel it").click()
    expect(two).to_contain_text("It was too late to cancel")
    assert tidy.statuses(first["id"]) == ["CANCELLED"]
    assert tidy.statuses(second["id"]) == ["STARTED"]


def test_wall_calls_out_the_newest_first_and_staff_hand_over(
    opened: Opener, tidy: StaffedShop
) -> None:
    wall = opened(f"{tidy.url}#pickup", width=1920)
    wall.evaluate(COUNT_NOTES)
    wall.get_by_role("switch").click()
    before = notes(wall)
    orders = [tidy.place(visitor(name), 5) for name in ("Ann", "Ben")]
    numbers = [str(each["number"]) for each in orders]
    waiting = wall.locator(".is-waiting")
    ready = wall.locator(".is-ready .number")
    expect(waiting.get_by_text(numbers[1], exact=True)).to_be_visible()
    for number, each in zip(numbers, orders, strict=True):
        tidy.tap(each["id"], "start", "Zoe")
        tidy.tap(each["id"], "ready", "Zoe")
        expect(ready.first).to_have_text(number)
    assert ready.all_inner_texts()[:2] == numbers[::-1]
    assert notes(wall) == before + 4
    assert wall.locator("#news").inner_text().startswith(f"Number {numbers[1]}, ")
    expect(wall.get_by_role("button", name="Collected")).to_have_count(0)
    wall.get_by_role("button", name="Staff: hand orders over").click()
    give_token(wall)
    wall.get_by_role("button", name=f"Collected number {numbers[1]}").click()
    expect(ready.first).to_have_text(numbers[0])
    other = opened(f"{tidy.url}#pickup")
    expect(other.locator(".is-ready .number").first).to_have_text(numbers[0])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_new_views_have_no_barrier_at_any_size(
    opened: Opener, tidy: StaffedShop, theme: str
) -> None:
    """With fresh, slow and late tickets, a tap that waits, a dialog, and long names."""
    tidy.place("W" * 200, 0, 1, 2, 5, food=(7,))
    page = at_station(opened, tidy)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for seconds in (0, 200, 400):
        later(page, seconds)
        page.reload()
        expect(page.locator(".job").first).to_be_visible()
        look(page, f"station {seconds}")
    page.locator(".job .main-action").click()
    expect(page.locator(".pending")).to_be_visible()
    assert violations(page) == []
    page.locator(".job .fail").click()
    look(page, "cannot be made")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Close the day").click()
    look(page, "close the day")
    page.keyboard.press("Escape")
    done = tidy.place("M" * 60, 5)
    tidy.tap(done["id"], "start", "Zoe")
    tidy.tap(done["id"], "ready", "Zoe")
    for place in ("pickup", "station", "board"):
        page.goto(f"{tidy.url}#{place}")
        expect(page.locator("main li").first).to_be_visible()
        look(page, place)
    page.goto(f"{tidy.url}#pickup")
    page.get_by_role("button", name="Staff: hand orders over").click()
    expect(page.get_by_role("button", name="Collected").first).to_be_visible()
    look(page, "handing over")


def look(page: Page, what: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide: int = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (what, width)
        assert violations(page) == [], (what, width)
