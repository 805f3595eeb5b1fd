"""A dialog with half-typed text, while the shop goes on and others change the same."""

from playwright.sync_api import Locator, Page, expect

from browser import Opener, visitor
from driver import Json
from staffed_shop import TOKEN, StaffedShop, at_station, give_token, staffed, tidy

__all__ = ["staffed", "tidy"]

TEXT = "The cup"
"""With keys that do something where nobody types: c, p and u."""


def ask(page: Page, order: Json) -> Locator:
    """Open the dialog of what cannot be made of the order, and begin to type."""
    card = page.locator(f".job[data-order='{order['id']}']")
    card.get_by_role("button", name="Cannot be made").click()
    page.locator("#own-reason").click()
    page.keyboard.type(TEXT)
    return page.locator("#cannot")


def goes_on(page: Page) -> None:
    """What is typed now stands behind what was typed."""
    page.keyboard.type(" has gone")
    expect(page.locator("#own-reason")).to_have_value(f"{TEXT} has gone")


def finish(shop: StaffedShop, order: Json, *items: int) -> None:
    ids = [order["items"][n]["id"] for n in items]
    for action in ("start", "ready"):
        shop.tap(order["id"], action, "Bob", items=ids)


def test_reason_is_kept_while_another_finishes_the_ticket(
    opened: Opener, tidy: StaffedShop
) -> None:
    order = tidy.place(visitor("Ann"), 5)
    page = at_station(opened, tidy)
    dialog = ask(page, order)
    finish(tidy, order, 0)
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing of it is open any more")
    goes_on(page)
    dialog.get_by_role("button", name="Cannot be made").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert tidy.get(order["id"])["status"] == "FULFILLED"


def test_choice_is_kept_while_another_finishes_a_part(opened: Opener, tidy: StaffedShop) -> None:
    """Nothing is chosen that nobody has chosen."""
    order = tidy.place(visitor("Ann"), 1, 5)
    page = at_station(opened, tidy)
    dialog = ask(page, order)
    dialog.get_by_label("Coffee black").check()
    page.locator("#own-reason").press("End")
    finish(tidy, order, 0)
    expect(page.locator(".job .READY .what")).to_have_text("Coffee black")
    expect(dialog.get_by_label("Latte")).not_to_be_checked()
    expect(dialog).to_contain_text("Coffee black: no longer open")
    goes_on(page)
    page.keyboard.press("Enter")
    expect(dialog.locator(".wrong")).to_contain_text("Choose what cannot be made.")
    assert tidy.statuses(order["id"]) == ["READY", "QUEUED"]


def test_choice_is_kept_while_another_begins_one_of_equal_items(
    opened: Opener, tidy: StaffedShop
) -> None:
    order = tidy.place(visitor("Ann"), 5, 5)
    page = at_station(opened, tidy)
    dialog = ask(page, order)
    tidy.tap(order["id"], "start", "Bob", items=[order["items"][0]["id"]])
    expect(page.locator(".job .STARTED .what")).to_have_text("Latte")
    expect(dialog.get_by_label("2 × Latte")).to_be_checked()
    goes_on(page)
    page.keyboard.press("Enter")
    tidy.until(order["id"], lambda all_: all_ == ["FAILED", "FAILED"])


def test_dialog_stays_while_the_shop_is_away_and_comes_back(
    opened: Opener, tidy: StaffedShop
) -> None:
    order = tidy.place(visitor("Ann"), 5)
    page = at_station(opened, tidy)
    ask(page, order)
    page.context.set_offline(True)
    expect(page.locator("#notices")).to_contain_text("The shop cannot be reached.")
    tidy.place(visitor("Ben"), 1)
    page.context.set_offline(False)
    expect(page.locator("#notices")).to_be_empty(timeout=20_000)
    goes_on(page)
    page.keyboard.press("Enter")
    tidy.until(order["id"], lambda all_: all_ == ["FAILED"])


def test_name_is_kept_while_another_tab_gives_one(opened: Opener, tidy: StaffedShop) -> None:
    page = at_station(opened, tidy)
    page.get_by_role("button", name="You are Zoe").click()
    page.locator("#staff-name").fill("Char")
    other = page.context.new_page()
    other.goto(tidy.url)
    other.evaluate("localStorage.setItem('staff', JSON.stringify('Bob'))")
    expect(page.get_by_text("You are Bob")).to_be_attached()
    page.bring_to_front()
    tidy.place(visitor("Ann"), 5)
    page.keyboard.type("lie")
    expect(page.locator("#staff-name")).to_have_value("Charlie")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You are Charlie")).to_be_visible()


def test_token_is_kept_while_the_shop_is_away_and_comes_back(
    opened: Opener, tidy: StaffedShop
) -> None:
    page = opened(f"{tidy.url}#station/barista")
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.type(TOKEN[:3])
    page.context.set_offline(True)
    page.wait_for_timeout(2_000)
    page.context.set_offline(False)
    order = tidy.place(visitor("Ann"), 5)
    page.wait_for_timeout(2_000)
    page.keyboard.type(TOKEN[3:])
    page.keyboard.press("Enter")
    expect(page.locator(f".job[data-order='{order['id']}']")).to_be_visible()


def test_token_that_the_page_needs_is_not_asked_for_amid_another_dialog(
    opened: Opener, tidy: StaffedShop
) -> None:
    """What is typed would go on in its field. Closing the day waits for it, and may ask."""
    page = at_station(opened, tidy)
    dialog = ask(page, tidy.place(visitor("Ann"), 5))
    page.evaluate("sessionStorage.setItem('staff-token', 'of yesterday'); 0")
    page.context.set_offline(True)
    expect(page.locator("#notices")).to_contain_text("The shop cannot be reached.")
    with page.expect_response(lambda answer: answer.status == 401, timeout=20_000):
        page.context.set_offline(False)
    goes_on(page)
    dialog.get_by_role("button", name="Cancel").click()
    give_token(page)
    page.get_by_role("button", name="Close the day").click()
    page.evaluate("sessionStorage.setItem('staff-token', 'of yesterday'); 0")
    page.locator("#close-day").get_by_role("button", name="Close the day").click()
    give_token(page)
    expect(page.locator("#close-day")).to_be_hidden()


def test_focus_returns_to_what_opened_a_dialog(opened: Opener, tidy: StaffedShop) -> None:
    order = tidy.place(visitor("Ann"), 5)
    page = at_station(opened, tidy)
    for how in ("Cancel", "Escape"):
        dialog = ask(page, order)
        if how == "Escape":
            page.keyboard.press(how)
        else:
            dialog.get_by_role("button", name=how).press("Enter")
        expect(dialog).to_be_hidden()
        expect(page.locator(".job .fail")).to_be_focused()
