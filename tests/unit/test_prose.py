"""The documents' English: short sentences, small table cells, and no phrase that slows a reader.

Code blocks, headings and comments do not count. A table's cells are measured by themselves.
"""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *CHECKOUT.glob("*.md"),
        *CHECKOUT.glob("docs/**/*.md"),
        *CHECKOUT.glob("tests/**/README.md"),
        *CHECKOUT.glob("scripts/**/README.md"),
    ]
)
LONGEST_AVERAGE = 18.0
"""Words of a document's sentences, on average."""
LONGEST_CELL = 250
"""Characters of a table's cell as it is written."""
PHRASES = ("whoever", "anew", "to be had", "in the order of their", "who meets")

_HIDDEN = re.compile(r"<!--.*?-->|^```.*?^```[ \t]*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+", re.MULTILINE)
_END = re.compile(r"(?<=[.!?])[”\")*]*\s+(?=[^a-z\s])")


def cells(text: str) -> list[str]:
    rows = [line for line in _HIDDEN.sub("", text).splitlines() if line.startswith("|")]
    return [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def sentences(text: str) -> list[str]:
    lines = _HIDDEN.sub("", text).splitlines()
    prose = "\n".join(line for line in lines if not line.startswith(("|", "#")))
    prose = _LINK.sub(r"\1", _CODE.sub("CODE", prose))
    parts = re.split(r"\n\s*\n", _ITEM.sub("\n\n", prose))
    found = (each.strip() for part in parts for each in _END.split(" ".join(part.split())))
    return [each for each in found if re.search(r"\w", each)]


def words(sentence: str) -> int:
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_documents_sentences_are_short(document: Path) -> None:
    counts = [words(each) for each in sentences(document.read_text())]
    assert sum(counts) / len(counts) <= LONGEST_AVERAGE


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_documents_table_cells_are_small(document: Path) -> None:
    assert not [cell for cell in cells(document.read_text()) if len(cell) > LONGEST_CELL]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_document_is_free_of_phrases_that_slow_a_reader(document: Path) -> None:
    text = " ".join(document.read_text().lower().split())
    assert not [phrase for phrase in PHRASES if re.search(rf"\b{phrase}\b", text)]


def test_sentences_are_counted_without_code_tables_and_headings() -> None:
    text = "# A title\n\nOne two `three four`. Five (six)!\n\n- Seven 8.5 nine.\n\n"
    text += "|a|b c|\n\n```\nx\n```\n"
    assert [words(each) for each in sentences(text)] == [3, 2, 3]
    assert cells(text) == ["a", "b c"]
