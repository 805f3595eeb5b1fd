"""A shift with three browsers at once: a till, the barista's tablet, and the screen on the wall."""

from playwright.sync_api import Locator, Page, expect

from browser import Opener, choose, violations, visitor
from driver import Json
from staffed_shop import StaffedShop, at_station, give_token, staffed, tidy

__all__ = ["staffed", "tidy"]

ORDERS = 20
SECOND = 1_000
"""Milliseconds in which each screen is right, once the shop knows."""
IN_TIME, TOO_LATE, PARTLY = 4, 9, 14
"""The orders, by their place, that are cancelled, cancelled too late, and made in part."""
ENDED = ("READY", "FAILED", "CANCELLED")


def place(till: Page, customer: str, *items: str) -> str:
    """An order at the till; its id."""
    choose(till, *items)
    till.locator("#customer").fill(customer)
    till.locator("#place").click()
    receipt = till.locator("#placed .receipt", has_text=customer)
    expect(receipt).to_be_visible()
    found = receipt.get_attribute("data-order")
    assert found
    till.locator("#customer").fill("")
    return found


def job(tablet: Page, order: Json) -> Locator:
    return tablet.locator(f".job[data-order='{order['id']}']")


def on_wall(wall: Page, where: str, order: Json) -> Locator:
    return wall.locator(f".{where} li", has_text=order["loyaltyMemberId"])


def test_shift_of_twenty_orders_is_right_on_every_screen_within_a_second(
    opened: Opener, tidy: StaffedShop
) -> None:
    till, wall = opened(tidy.url, 1024), opened(f"{tidy.url}#pickup", 1920)
    tablet = at_station(opened, tidy)
    vera = visitor("Vera")
    orders = _placed(till, tablet, wall, tidy, vera)
    _cancelled(till, tablet, wall, tidy, orders, vera)
    _finished(till, tablet, wall, tidy, orders)
    _collected(wall, orders)
    expect(tablet.locator(".job")).to_have_count(0)
    ends = [tidy.get(order["id"]) for order in orders]
    statuses = [each["status"] for each in ends]
    assert statuses.count("FULFILLED") == ORDERS - 2
    assert (statuses[IN_TIME], statuses[PARTLY]) == ("CANCELLED", "PARTIAL")
    assert ends[PARTLY]["due"] < ends[PARTLY]["total"]
    assert violations(till) + violations(tablet) + violations(wall) == []


def _placed(till: Page, tablet: Page, wall: Page, shop: StaffedShop, vera: str) -> list[Json]:
    """Twenty orders at the till: they stand on the tablet and on the wall, under one number."""
    orders: list[Json] = []
    for number in range(ORDERS):
        customer = vera if number in (IN_TIME, TOO_LATE) else visitor(f"Guest{number:02}")
        items = ("Coffee black", "Latte") if number % 5 == PARTLY % 5 else ("Latte",)
        order = shop.get(place(till, customer, *items))
        orders.append(order)
        expect(job(tablet, order)).to_be_visible(timeout=SECOND)
        expect(job(tablet, order).locator(".number")).to_have_text(str(order["number"]))
        waiting = wall.locator(".is-waiting").get_by_text(str(order["number"]), exact=True)
        expect(waiting).to_be_visible(timeout=SECOND)
    assert len({order["number"] for order in orders}) == ORDERS
    shown = tablet.locator(".job").evaluate_all("all => all.map(each => each.dataset.order)")
    assert shown == [order["id"] for order in orders]
    return orders


def _cancelled(
    till: Page, tablet: Page, wall: Page, shop: StaffedShop, orders: list[Json], vera: str
) -> None:
    """Vera cancels two orders: the one before the barista begins, the other one after."""
    till.goto(f"{shop.url}#mine")
    till.locator("#who").fill(vera)
    till.get_by_role("button", name="Find my orders").click()
    in_time, too_late = (
        till.locator(".ticket", has=till.locator(f"[data-order='{orders[n]['id']}']"))
        for n in (IN_TIME, TOO_LATE)
    )
    in_time.get_by_role("button", name="Cancel order").click()
    in_time.get_by_role("button", name="Yes, cancel it").click()
    shop.until(orders[IN_TIME]["id"], lambda all_: set(all_) == {"CANCELLED"})
    expect(in_time.locator(".who .status")).to_have_text("Cancelled", timeout=SECOND)
    expect(job(tablet, orders[IN_TIME])).to_be_hidden(timeout=SECOND)
    too_late.get_by_role("button", name="Cancel order").click()
    for order in orders:
        if order is not orders[IN_TIME]:
            job(tablet, order).get_by_role("button", name="Start number").click()
    for order in orders:
        if order is not orders[IN_TIME]:
            shop.until(order["id"], lambda all_: set(all_) == {"STARTED"})
    expect(too_late.locator(".who .status")).to_have_text("Being made", timeout=SECOND)
    too_late.get_by_role("button", name="Yes, cancel it").click()
    expect(too_late).to_contain_text("It was too late to cancel")
    assert on_wall(wall, "is-waiting", orders[TOO_LATE]).count() == 1


def _finished(till: Page, tablet: Page, wall: Page, shop: StaffedShop, orders: list[Json]) -> None:
    """One item cannot be made; everything else is ready, and called out in that moment."""
    job(tablet, orders[PARTLY]).get_by_role("button", name="Cannot be made").click()
    dialog = tablet.locator("#cannot")
    dialog.get_by_label("Latte").check()
    dialog.get_by_label("The machine does not work").check()
    dialog.get_by_role("button", name="Cannot be made").click()
    for order in orders:
        if order is not orders[IN_TIME]:
            button = job(tablet, order).get_by_role("button", name="Ready number")
            button.click(delay=20)
    for order in orders:
        if order is orders[IN_TIME]:
            continue
        shop.until(order["id"], lambda all_: set(all_) <= set(ENDED))
        expect(on_wall(wall, "is-ready", order)).to_be_visible(timeout=SECOND)
        expect(job(tablet, order)).to_be_hidden(timeout=SECOND)
    expect(on_wall(wall, "is-ready", orders[PARTLY])).to_contain_text("partly")
    till.locator("#who").fill(orders[PARTLY]["loyaltyMemberId"])
    till.get_by_role("button", name="Find my orders").click()
    receipt = till.locator(f".receipt[data-order='{orders[PARTLY]['id']}']")
    expect(receipt).to_contain_text("The machine does not work")
    expect(receipt.locator(".due")).to_contain_text("$3.00")


def _collected(wall: Page, orders: list[Json]) -> None:
    wall.get_by_role("button", name="Staff: hand orders over").click()
    give_token(wall)
    for order in orders:
        if order is not orders[IN_TIME]:
            collected = wall.get_by_role(
                "button", name=f"Collected number {order['number']}", exact=True
            )
            collected.click()
            expect(on_wall(wall, "is-ready", order)).to_be_hidden(timeout=SECOND)
    expect(wall.locator(".is-waiting li")).to_have_count(0)
