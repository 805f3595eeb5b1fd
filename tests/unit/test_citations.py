"""What is cited is there, and every rule and guarantee is held by a test.

W1 to W19 and T1 to T9 are the rules of docs/workflow.md, G1 to G22 the guarantees of
docs/guarantees.md. A test holds one if its docstring cites it.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FOLDERS = ("apps", "docs", "k8s", "scripts", "tests")
KINDS = {".md", ".py", ".sh", ".toml", ".ts", ".tsx", ".css", ".html", ".yaml", ".yml"}
LEFT_OUT = {"node_modules", "__pycache__"}

_DOCUMENT = re.compile(r"(?<![\w/.*{}<>-])(?:[\w.-]+/)*[\w-]+\.md\b")
_PATH = re.compile(r"(?<![\w/.-])(?:apps|docs|k8s|scripts|tests)/[\w./-]*[\w/]")
_NUMBER = re.compile(r"\b[WGT]\d+\b")


@cache
def files() -> tuple[Path, ...]:
    """Every text file that people write."""
    found = [CHECKOUT / "Makefile", *CHECKOUT.glob("*.*")]
    for folder in FOLDERS:
        found += (CHECKOUT / folder).rglob("*.*")
    wanted = (each for each in found if each.suffix in KINDS or each.name == "Makefile")
    return tuple(sorted(each for each in wanted if not LEFT_OUT & set(each.parts)))


def defined() -> set[str]:
    rules = (CHECKOUT / "docs" / "workflow.md").read_text()
    guarantees = (CHECKOUT / "docs" / "guarantees.md").read_text()
    return {
        *re.findall(r"^- \*\*([WT]\d+)\*\*", rules, re.MULTILINE),
        *re.findall(r"^\| (G\d+) \|", guarantees, re.MULTILINE),
    }


def is_there(cited: str, by: Path) -> bool:
    """From the checkout, or from the file that cites it; a bare name may be of any document."""
    found = (CHECKOUT / cited).exists() or (by.parent / cited).exists()
    return found or cited in {each.name for each in files() if each.suffix == ".md"}


def cited_by(path: Path) -> list[str]:
    """The documents that a file names; of a link its target."""
    return _DOCUMENT.findall(re.sub(r"\[[^\]]*\]\(", "(", path.read_text()))


def test_no_file_cites_a_document_that_is_not_there() -> None:
    missing = {
        (str(path.relative_to(CHECKOUT)), cited)
        for path in files()
        for cited in cited_by(path)
        if not is_there(cited, path)
    }
    assert not missing


def test_no_document_names_a_path_that_is_not_there() -> None:
    """But the change log, which is about what was."""
    missing = {
        (str(path.relative_to(CHECKOUT)), cited)
        for path in files()
        if path.suffix == ".md" and path.name != "CHANGELOG.md"
        for cited in _PATH.findall(_without_examples(path.read_text()))
        if not is_there(cited.rstrip("/."), path)
    }
    assert not missing


def _without_examples(text: str) -> str:
    """Shell blocks make files of their own."""
    return re.sub(r"```sh\n.*?```", "", text, flags=re.DOTALL)


def test_no_file_cites_a_rule_or_guarantee_that_is_not_there() -> None:
    known = defined()
    unknown = {
        (str(path.relative_to(CHECKOUT)), number)
        for path in files()
        for number in _NUMBER.findall(path.read_text())
        if number not in known
    }
    assert not unknown


@pytest.mark.parametrize("number", sorted(defined()))
def test_a_rule_or_guarantee_is_held_by_a_test(number: str) -> None:
    assert number in held()


@cache
def held() -> set[str]:
    """The numbers in the docstrings of all tests."""
    found: set[str] = set()
    for path in (CHECKOUT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found |= set(_NUMBER.findall(ast.get_docstring(node) or ""))
    return found


def test_a_fact_says_where_it_is_from() -> None:
    """Each section of docs/facts, but those that only hold others."""
    for page in (CHECKOUT / "docs" / "facts").glob("*.md"):
        if page.name in ("README.md", "blocked-readers.md"):  # a list, and one fact in many parts
            continue
        for section in re.split(r"^##+ ", page.read_text(), flags=re.MULTILINE)[1:]:
            title, _, text = section.partition("\n")
            assert "**Source:**" in text or not text.strip(), f"{page.name}: {title}"


def test_a_key_that_a_document_shows_is_another_one_each_time() -> None:
    """Copied again tomorrow a fixed one would answer yesterday's order."""
    shown = [
        key
        for path in files()
        if path.suffix == ".md"
        for key in re.findall(r"idempotency-key: *([^\"'\n]+)", path.read_text(), re.IGNORECASE)
    ]
    assert shown
    assert [key for key in shown if "$(" not in key] == []
