"""A real Chromium, driven by Playwright: Debian's, for Playwright's own is on no registry."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from driver import Driver
from scripts.base.checkout import CHECKOUT
from scripts.provision import node

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NPM = CHECKOUT / "tests" / "e2e" / "npm"
MISSING = "the page's tests need Chromium: apt-get install chromium"


def path() -> str:
    """Where Chromium is. Without it the test is skipped, but in CI, which must have it."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is."""
    source = (node.modules(NPM, "axe-core") / "axe-core" / "axe.min.js").read_text()
    page.evaluate(source)
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['help']}: {[n['target'] for n in each['nodes']][:3]}"
        for each in found["violations"]
    ]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launched() as running:
        yield running


class Opener(Protocol):
    def __call__(self, url: str, width: int = 1280, theme: Any = "light") -> Page: ...


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Opener]:
    """Opens a page in a fresh profile. An error in its script fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(url: str, width: int = 1280, theme: Any = "light") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto(url)
        expect(page.locator("h1")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def url(shop: Driver) -> str:
    return str(shop.counter.base_url)


def visitor(name: str) -> str:
    """A customer of that name who has no orders yet."""
    return f"{name} {uuid4().hex[:6]}"


def choose(page: Page, *names: str) -> None:
    """Add items of the menu to the basket, by their names."""
    for name in names:
        page.locator("#menu").get_by_role("button", name=f"{name} $").first.click()


@contextmanager
def sold_out(shop: Driver, item_type: int) -> Iterator[None]:
    """While the kitchen has none of the item."""
    path = f"/v1/api/kitchen/unavailable/{item_type}"
    assert shop.kitchen.put(path).status_code == 204
    try:
        yield
    finally:
        shop.kitchen.delete(path)


def later(page: Page, seconds: int) -> None:
    """From its next load on, the page is so many seconds later, by its clock and by the shop's."""
    page.clock.install(time=time.time() + seconds)
    page.add_init_script(
        f"{{ const seconds = {seconds};"
        """const own = Headers.prototype.get; Headers.prototype.get = function (name) {
          const value = own.call(this, name);
          return name === 'date' && value
            ? new Date(Date.parse(value) + 1000 * seconds).toUTCString() : value;
        } }"""
    )


def requests(page: Page) -> list[str]:
    """Fills with the method and the address of each request that the page makes from now on."""
    made: list[str] = []
    page.on("request", lambda request: made.append(f"{request.method} {request.url}"))
    return made


def on_post(page: Page, *handlers: Callable[[Route], None]) -> list[str]:
    """Hand each post of an order to the next handler; after the last one posts reach the shop.
    Returns the list that fills with the posts' idempotency keys."""
    left = list(handlers)
    keys: list[str] = []

    def handle(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        keys.append(route.request.headers["idempotency-key"])
        return left.pop(0)(route) if left else route.continue_()

    page.route("**/v1/api/orders", handle)
    return keys


def lose_answer(route: Route) -> None:
    """The shop places the order, and its answer is lost."""
    route.fetch()
    route.abort()


def lose_request(route: Route) -> None:
    """The shop does not get the order."""
    route.abort()


def hold_answer(route: Route) -> None:
    """The shop places the order, and its answer does not come."""
    route.fetch()


def refuse(status: int, detail: str = "", field: str = "") -> Callable[[Route], None]:
    """The shop refuses the order with this problem."""
    errors = [{"field": field, "message": detail}] if field else None
    problem = {"title": "Refused", "status": status, "detail": detail, "errors": errors}
    return lambda route: route.fulfill(
        status=status, json=problem, content_type="application/problem+json"
    )
