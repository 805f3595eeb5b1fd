"""The web page in a real Chromium: by keyboard, live, at every size, for every eye."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from browser import Opener, choose, on_post, refuse, sold_out, violations, visitor
from driver import Driver, away
from scripts.build.wasm import build
from scripts.stack import runtime
from scripts.stack.supervise import Stack
from tests.support.waiting import until

FILES = ("/", "/page.css", "/page.js", "/icon.svg")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
SECONDS = re.compile(r"\d\d:\d\d:\d\d")


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


def test_the_worked_example_by_keyboard_alone(opened: Opener, url: str) -> None:
    customer = visitor("Ann")
    page = opened(url)
    expect(page.locator("#menu li").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("window.notReloaded = true")
    tab_to(page, "Coffee black")
    page.keyboard.press("Enter")
    tab_to(page, "Croissant $3.25")
    page.keyboard.press("Enter")
    tab_to(page, "Your name")
    page.keyboard.type(customer)
    tab_to(page, "Place order")
    expect(page.locator("#place")).to_have_text("Place order · $6.25")
    page.keyboard.press("Enter")
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    expect(page.locator("#placed .who .status")).to_have_text("Ready")
    assert page.locator("#news").inner_text() == "Your order is ready."
    assert page.evaluate("document.activeElement.id") == "placed-title"
    order_id = page.locator(".receipt").get_attribute("data-order")

    tab_to(page, "My orders", "Shift+Tab")
    page.keyboard.press("Enter")
    found = page.locator(".tickets .receipt")
    expect(found).to_have_count(1)
    assert found.get_attribute("data-order") == order_id
    assert page.evaluate("window.notReloaded")
    assert all(each.startswith(url) for each in asked), asked


def test_an_order_is_shown_in_each_of_its_states(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    """While the kitchen is away the order is being made; when it is back, the order ends."""
    page = opened(url)
    with away(stack, "kitchen"):
        choose(page, "Coffee black", "Muffin")
        page.locator("#customer").fill(visitor("Bo"))
        page.locator("#place").click()
        expect(page.locator("#placed-title")).to_have_text("Your order is being made.")
        expect(page.locator(".receipt li .status").nth(0)).to_have_text("Ready")
        expect(page.locator(".receipt li .status").nth(1)).to_have_text("Waiting")
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.", timeout=60_000)


def test_page_has_no_barrier_in_any_view_and_at_any_size(
    opened: Opener, url: str, shop: Driver, stack: Stack
) -> None:
    """axe-core finds nothing wrong and nothing is wider than the screen: on a phone, a tablet and
    a wall, in light and in dark, with open and ended orders, warnings and refusals."""
    page = opened(url)
    choose(page, "Latte")
    page.locator("#customer").fill("carla")
    page.locator("#place").click()
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    choose(page, "Muffin", "Muffin", "Cakepop")
    with sold_out(shop, 6), away(stack, "barista"):
        shop.place("W" * 200)
        for view, ready in (
            ("order", ".warning"),
            ("mine", ".tickets .receipt"),
            ("board", ".board .ticket"),
            ("station", ".stations .warning"),
        ):
            page.goto(f"{url}#{view}")
            expect(page.locator(ready).first).to_be_visible()
            for width in (360, 1024, 1920):
                page.set_viewport_size({"width": width, "height": 900})
                wide: int = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, view
                for theme in ("light", "dark"):
                    page.emulate_media(color_scheme=theme)
                    assert violations(page) == [], (view, width, theme)


def test_page_names_no_uuid_second_or_internal_detail(
    opened: Opener, url: str, shop: Driver
) -> None:
    customer = visitor("Dora")
    shop.finished(shop.place(customer)["id"])
    page = opened(url)
    detail = "Tuple should have at most 50 items after validation, product-api answered 500"
    on_post(page, refuse(422, detail, "items"))
    choose(page, "Latte")
    page.locator("#customer").fill(customer)
    page.locator("#place").click()
    expect(page.locator("#basket .wrong")).to_contain_text("not on the menu any more")
    said = [page.inner_text("body")]
    page.locator("#place").click()
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    for view, ready in (("order", "#placed"), ("mine", ".receipt"), ("board", ".ended li")):
        page.goto(f"{url}#{view}")
        expect(page.locator(ready).first).to_be_visible()
        said.append(page.inner_text("body"))
    for text in said:
        # The board shows other tests' customers, whose names are UUIDs in part.
        assert not UUID.search(text) or text is said[-1]
        assert not SECONDS.search(text)
        for word in ("Tuple", "product-api", "FULFILLED", "IN_PROGRESS", "COFFEE_BLACK"):
            assert word not in text


def test_order_of_another_day_is_shown_with_its_date(
    opened: Opener, url: str, shop: Driver
) -> None:
    customer = visitor("Eva")
    placed = shop.finished(shop.place(customer)["id"])
    page = opened(f"{url}#mine")
    date = page.evaluate(
        "then => new Date(then).toLocaleDateString([], {day: 'numeric', month: 'short'})",
        placed["placedAt"],
    )
    page.locator("#who").fill(customer)
    page.get_by_role("button", name="Find my orders").click()
    expect(page.locator(".receipt time")).not_to_contain_text(date)
    page.clock.install(time=page.evaluate("Date.now() + 24 * 3600 * 1000"))
    page.reload()
    page.locator("#who").fill(customer)
    page.get_by_role("button", name="Find my orders").click()
    expect(page.locator(".receipt time")).to_contain_text(date)


NOT_ISOLATED = """name => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        if (data.includes(name) && !parentElement.closest('bdi, #news')) found.push(data);
    }
    return found;
}"""
"""The texts with a name in them that could turn the line round which they stand in."""


def test_name_from_right_to_left_turns_no_line_round_in_any_view(opened: Opener, url: str) -> None:
    """U+05D3 U+05D5 U+05D3: Hebrew letters."""
    customer = visitor("\u05d3\u05d5\u05d3")
    page = opened(url)
    choose(page, "Latte")
    page.locator("#customer").fill(customer)
    page.locator("#place").click()
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    for view in ("order", "mine", "board", "pickup"):
        page.goto(f"{url}#{view}")
        expect(page.locator("bdi", has_text=customer).first).to_be_visible()
        assert page.evaluate(NOT_ISOLATED, customer) == [], view
    page.goto(f"{url}#mine")
    page.locator("#who").fill(nobody := visitor("\u05d3\u05d5\u05d3"))
    page.get_by_role("button", name="Find my orders").click()
    expect(page.locator(".note bdi", has_text=nobody)).to_be_visible()
    assert page.evaluate(NOT_ISOLATED, nobody) == []


def test_the_page_is_small_and_is_not_sent_twice(shop: Driver) -> None:
    answers = [shop.counter.get(path) for path in FILES]
    assert sum(len(answer.content) for answer in answers) < 250_000
    for path, answer in zip(FILES, answers, strict=True):
        again = shop.counter.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), path
        assert "https://" not in answer.text, path
        # Names of XML's, which nobody loads.
        assert not re.search(r"http://(?!www\.w3\.org/)", answer.text), path


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
    choose(page, "Espresso")
    page.locator("#customer").fill("dora")
    page.locator("#place").click()
    expect(page.locator("#ask")).to_be_visible()
    assert violations(page) == []
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#ask .wrong")).to_be_visible()
    page.keyboard.type("till-7")
    page.keyboard.press("Enter")
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    page.goto(f"{guarded}#board")
    expect(page.locator(".ended li").first).to_be_visible()
    expect(page.locator("#ask")).to_be_hidden()
