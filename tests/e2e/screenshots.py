"""`make screenshots`: the page and the terminal of the README, as the running shop shows them."""

import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from browser import Opener, choose
from driver import Driver, away
from scripts.base.checkout import CHECKOUT
from scripts.stack.supervise import Stack
from staffed_shop import StaffedShop, at_station, staffed, tidy
from test_coffee import terminal

__all__ = ["staffed", "tidy"]

COMMANDS = (
    ("menu",),
    ("order", "COFFEE_BLACK", "CROISSANT", "--as", "ann"),
    ("mine", "--as", "ann", "--limit", "3"),
)
COLUMNS = 80
ORDERS = (
    ("Ben", (5, 5), (7,)),
    ("Chloé", (1,), (9,)),
    ("Dana", (), (8, 8, 6)),
    ("Emil", (0, 3), (7, 7)),
    ("Farid", (), (7,)),
    ("Grace", (2,), (6,)),
    ("Hana", (5,), ()),
    ("Igor", (4, 4), ()),
    ("Jana", (), (9, 9, 7)),
)
"""Customers, with what they want of the barista and of the kitchen."""


@pytest.fixture(scope="module")
def folder() -> Path:
    made = CHECKOUT / "docs" / "images"
    made.mkdir(parents=True, exist_ok=True)
    return made


def test_picture_of_an_order(opened: Opener, url: str, folder: Path) -> None:
    page = opened(url)
    choose(page, "Latte", "Latte", "Latte", "Croissant")
    page.locator("#customer").fill("Ann")
    page.locator("#place").click()
    expect(page.locator("#placed-title")).to_have_text("Your order is ready.")
    choose(page, "Cappuccino", "Muffin", "Muffin")
    _shoot(page, folder / "order.png", 830)


def test_picture_of_a_phone(opened: Opener, url: str, folder: Path) -> None:
    page = opened(url, width=360, theme="dark")
    choose(page, "Latte", "Latte", "Espresso")
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator(".bar")).to_be_visible()
    _shoot(page, folder / "phone.png", 740)


def test_picture_of_the_board(
    opened: Opener, url: str, shop: Driver, stack: Stack, folder: Path
) -> None:
    page = opened(f"{url}#board", width=1920)
    with away(stack, "kitchen"):
        for order in ORDERS:
            shop.place(*order)
        expect(page.locator(".ended li", has_text="Igor")).to_be_visible()
        expect(page.locator(".board .ticket", has_text="Jana")).to_be_visible()
        expect(
            page.locator(".board .ticket", has_text="Grace").get_by_text("ready")
        ).to_be_visible()
        _shoot(page, folder / "board.png", 620)


def test_picture_of_a_station(opened: Opener, tidy: StaffedShop, folder: Path) -> None:
    page = at_station(opened, tidy)
    for customer, drinks, _ in ORDERS:
        if drinks:
            tidy.place(customer, *drinks)
    begun = page.locator(".job", has_text="Ben")
    begun.get_by_role("button", name="Start number").click()
    expect(begun).to_contain_text("Being made by Zoe")
    _shoot(page, folder / "station.png", 900)


def test_picture_of_picking_up(opened: Opener, tidy: StaffedShop, folder: Path) -> None:
    page = opened(f"{tidy.url}#pickup", width=1920)
    for place, (customer, drinks, _) in enumerate(ORDERS):
        if not drinks:
            continue
        order = tidy.place(customer, *drinks)
        if place < 4:
            tidy.tap(order["id"], "start", "Zoe")
            tidy.tap(order["id"], "ready", "Zoe")
    expect(page.locator(".is-waiting li", has_text="Igor")).to_be_visible()
    expect(page.locator(".is-ready li", has_text="Emil")).to_be_visible()
    _shoot(page, folder / "pickup.png", 900)


def _shoot(page: Page, path: Path, height: int) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 1280
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.screenshot(path=path)


def test_picture_of_the_terminal(chromium: Browser, shop: Driver, folder: Path) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for command in COMMANDS:
        session = terminal(*command, columns=COLUMNS)
        output = session.read()
        console.print(Text.assemble(("$ ", "bold green"), f"coffee {' '.join(command)}"))
        console.print(Text.from_ansi(_last_frame(output)))
    html = console.export_html(theme=MONOKAI, inline_styles=True, code_format=FORMAT)
    page = chromium.new_page(viewport={"width": 720, "height": 200})
    page.set_content(html)
    page.screenshot(path=folder / "terminal.png", full_page=True)


FORMAT = (
    '<body style="margin:0;padding:14px;background:#161b22;color:#e6edf3">'
    '<pre style="font:14px/1.16 DejaVu Sans Mono,monospace;margin:0">{code}</pre></body>'
)


def _last_frame(output: str) -> str:
    """What stays on the screen of output that was drawn over itself."""
    lines = [""]
    for part in re.split(r"(\n|\r|\x1b\[1A|\x1b\[2K|\x1b\[\?25[lh])", output):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[1A":
            lines.pop()
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif part != "\r" and not part.startswith("\x1b[?25"):
            lines[-1] += part
    return "\n".join(lines).rstrip()
