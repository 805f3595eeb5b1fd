"""A real Chromium, driven by Playwright: Debian's, for Playwright's own is on no registry."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scripts import node
from scripts.cache import CHECKOUT

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
