"""The HTTP kit and the Dapr client know nothing of the shop: no import, and none of its words."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import coffeeshop

FOLDER = Path(coffeeshop.__file__).parent
EVERYWHERE = {"concurrency", "logs", "transport"}
"""What both may import: tracing, and the seam to the sidecar with its failures."""
KIT = {"responses", "files", "headers", "http", "nesting", "operation", "request"}
DAPR = {"clocks", "cloudevents", "sidecar", "store"}
DELIVERIES = {"events"}
"""Dapr's deliveries are HTTP requests: they stand on both."""
ALLOWED = {
    **dict.fromkeys(EVERYWHERE, EVERYWHERE),
    **dict.fromkeys(KIT, KIT | EVERYWHERE),
    **dict.fromkeys(DAPR, DAPR | EVERYWHERE),
    **dict.fromkeys(DELIVERIES, KIT | DAPR | EVERYWHERE),
}
WORDS = {
    *("barista", "kitchen", "station", "stations", "menu", "shop", "shops", "staff", "pos", "till"),
    *("customer", "customers", "loyalty", "orders", "ordered", "coffee"),
}
"""Of the shop. `order` and `item` alone are also words of programs."""


def imports(module: str) -> set[str]:
    """The modules of coffeeshop that the module imports."""
    found = set()
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "coffeeshop":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("coffeeshop."):
            found.add(str(node.module).partition(".")[2])
        elif isinstance(node, ast.Import):
            found |= {a.name.partition(".")[2] for a in node.names if "coffeeshop." in a.name}
    return found


def words(module: str) -> Iterator[str]:
    """Every word of names, texts and comments, `orderId` and `order_id` as two."""
    text = (FOLDER / f"{module}.py").read_text()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        yield from (w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", token.string))


@pytest.mark.parametrize("module", sorted(ALLOWED))
def test_a_module_of_the_kit_or_of_the_dapr_client_imports_no_module_of_the_shop(
    module: str,
) -> None:
    assert imports(module) <= ALLOWED[module]


@pytest.mark.parametrize("module", sorted(ALLOWED))
def test_a_module_of_the_kit_or_of_the_dapr_client_has_no_word_of_the_shop(module: str) -> None:
    assert set(words(module)) & WORDS == set()


def test_a_word_of_the_shop_is_found_in_a_module_that_has_it() -> None:
    assert {"menu", "station"} <= set(words("contracts"))
    assert {"contracts", "sidecar"} <= imports("topics")
