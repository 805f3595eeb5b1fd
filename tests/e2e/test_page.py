"""The web page in a real browser: by keyboard, live, at every size, for every eye."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

import browser as chromium
from scripts import runtime
from scripts.build import build
from scripts.cache import CHECKOUT
from scripts.supervise import Stack
from shop import Shop, away, until

PICTURES = CHECKOUT / "docs" / "images"
FILES = ("/", "/page.css", "/page.js", "/icon.svg")


@pytest.fixture(scope="module")
def browser(stack: Stack) -> Iterator[Browser]:
    with chromium.launched() as running:
        yield running


class Opener(Protocol):
    def __call__(self, url: str, width: int = 1280, theme: Any = "light") -> Page: ...


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opener]:
    """Opens a page in a fresh profile. What goes wrong in its script fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(url: str, width: int = 1280, theme: Any = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto(url)
        if "#board" not in url:
            expect(page.locator("#menu li")).to_have_count(10)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def url(shop: Shop) -> str:
    return str(shop.counter.base_url)


def tab_to(page: Page, label: str, key: str = "Tab") -> None:
    """Press Tab until what is focused is called so."""
    for _ in range(60):
        page.keyboard.press(key)
        name: str = page.evaluate(
            "document.activeElement.getAttribute('aria-label')"
            " || document.activeElement.labels?.[0]?.textContent"
            " || document.activeElement.textContent"
        )
        if name.strip().startswith(label):
            return
    pytest.fail(f"Tab never comes to {label}")


def visitor(name: str) -> str:
    """Somebody of that name who has no orders yet."""
    return f"{name} {uuid4().hex[:6]}"


def picture(page: Page, name: str) -> None:
    """For the README, when `make pictures` asks for it."""
    if os.environ.get("COFFEESHOP_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def test_the_worked_example_by_keyboard_alone(opened: Opener, url: str) -> None:
    customer = visitor("Ann")
    page = opened(url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("window.notReloaded = true")
    tab_to(page, "Coffee black")
    page.keyboard.press("Enter")
    tab_to(page, "Croissant, $3.25")
    page.keyboard.press("Enter")
    tab_to(page, "Your name")
    page.keyboard.type(customer)
    tab_to(page, "Place order")
    expect(page.locator("#place")).to_have_text("Place order · $6.25")
    page.keyboard.press("Enter")
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    assert page.locator(".receipt .total .status").inner_text() == "Fulfilled"
    assert page.locator("#news").inner_text() == "Your order is ready."
    assert page.evaluate("document.activeElement.id") == "placed-title"
    order_id = page.locator(".receipt").get_attribute("data-order")
    picture(page, "order")

    tab_to(page, "My orders", "Shift+Tab")
    page.keyboard.press("Enter")
    found = page.locator("#mine .receipt")
    expect(found).to_have_count(1)
    assert found.get_attribute("data-order") == order_id
    assert page.evaluate("window.notReloaded")
    assert all(each.startswith(url) for each in asked), asked


def test_an_order_is_seen_in_each_of_its_states(
    opened: Opener, url: str, shop: Shop, stack: Stack
) -> None:
    """While the kitchen is away the order is in progress; when it is back, the order ends."""
    page = opened(url)
    with away(stack, "kitchen"):
        page.get_by_role("button", name="Coffee black").click()
        page.get_by_role("button", name="Muffin").click()
        page.locator("#customer").fill(visitor("Bo"))
        page.locator("#place").click()
        expect(page.locator("#placed-title")).to_have_text("Your order is being made.")
        expect(page.locator(".receipt .status").nth(0)).to_have_text("Ready")
        expect(page.locator(".receipt .status").nth(1)).to_have_text("Placed")
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.", timeout=60_000)


def test_a_sold_out_item_fails_the_next_order_for_a_reason_that_people_understand(
    opened: Opener, url: str, shop: Shop
) -> None:
    """She chose while it was to be had; staff switched it off before she ordered."""
    customer, staff = opened(url), opened(f"{url}#station")
    customer.get_by_role("button", name="Cakepop").click()
    switch = staff.get_by_role("switch", name="Cakepop")
    expect(switch).to_be_checked()
    switch.focus()
    staff.keyboard.press("Space")
    try:
        expect(switch).not_to_be_checked()
        assert shop.kitchen.get("/v1/api/kitchen/unavailable/6").status_code == 200
        customer.locator("#customer").fill("bob")
        customer.locator("#place").click()
        expect(customer.locator("#placed-title")).to_have_text(
            "Sorry, not everything could be made."
        )
        expect(customer.locator(".receipt .reason")).to_have_text("Cakepop is sold out.")
        expect(customer.get_by_role("button", name="Cakepop")).to_be_disabled()
    finally:
        shop.kitchen.delete("/v1/api/kitchen/unavailable/6")
    staff.goto(f"{url}#order")
    expect(staff.get_by_role("button", name="Cakepop")).to_be_enabled()


def test_the_board_shows_an_order_that_comes_while_it_is_open(
    opened: Opener, url: str, shop: Shop
) -> None:
    page = opened(f"{url}#board", width=1920)
    customer = visitor("Carla")
    shop.place(customer)
    column = page.locator("section[aria-labelledby=column-FULFILLED]")
    expect(column.get_by_text(customer)).to_be_visible()
    picture(page, "board")


def test_nobody_is_shut_out(opened: Opener, url: str, shop: Shop) -> None:
    """axe-core finds nothing wrong and nothing is wider than the screen: in every view, on a phone
    and on a desk, in light and in dark; nothing is too wide on a wall either."""
    shop.finished(shop.place("carla")["id"])
    page = opened(url)
    page.get_by_role("button", name="Latte").click()
    page.locator("#customer").fill("carla")
    page.locator("#place").click()
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    page.get_by_role("button", name="Muffin").click()
    for view, ready in (
        ("order", "#lines li"),
        ("mine", "#mine .receipt"),
        ("board", "#board .ticket"),
        ("station", "#stations [role=switch]"),
    ):
        page.goto(f"{url}#{view}")
        expect(page.locator(ready).first).to_be_visible()
        for width in (360, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            wide: int = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, view
            for theme in ("light", "dark") if width < 2560 else ():
                page.emulate_media(color_scheme=theme)
                assert chromium.violations(page) == [], (view, width, theme)
                if (view, width, theme) == ("order", 360, "dark"):
                    picture(page, "phone")


def test_the_page_is_small_and_is_not_sent_twice(shop: Shop) -> None:
    answers = [shop.counter.get(path) for path in FILES]
    assert sum(len(answer.content) for answer in answers) < 150_000
    for path, answer in zip(FILES, answers, strict=True):
        again = shop.counter.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert "https://" not in answer.text, path
        assert not re.search(r"http://(?!www\.w3\.org/2000/svg)", answer.text), path


@pytest.fixture
def guarded(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """A second counter-api beside the same sidecar, which wants a POS token."""
    port = stack.ports.app("counter") + 50
    env = {
        "COFFEESHOP_SIDECAR_PORT": str(stack.ports.sidecar("counter")),
        "COFFEESHOP_SIDECAR_TOKEN": stack.secrets["sidecar_token"],
        "COFFEESHOP_APP_TOKEN": stack.secrets["app_token"],
        "COFFEESHOP_ID_SECRET": stack.secrets["id_secret"],
        "COFFEESHOP_POS_TOKEN": "till-7",
    }
    component = build("aot", ["counter-api"])["counter-api"]
    command = list(map(str, runtime.serve("guarded", component, port, env).command))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=os.environ | env, stdout=log, stderr=log)
        try:
            until(lambda: _answers(port), 20, "the guarded counter does not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz/counter").is_success
    except httpx.TransportError:
        return False


def test_a_shop_with_a_token_asks_for_it_once(opened: Opener, guarded: str) -> None:
    page = opened(guarded)
    page.get_by_role("button", name="Espresso, $3.50").click()
    page.locator("#customer").fill("dora")
    page.locator("#place").click()
    expect(page.locator("#ask")).to_be_visible()
    assert chromium.violations(page) == []
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_visible()
    page.keyboard.type("till-7")
    page.keyboard.press("Enter")
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    page.goto(f"{guarded}#board")
    expect(page.locator("#board .ticket").first).to_be_visible()
    expect(page.locator("#ask")).to_be_hidden()
