"""People's texts: equal names are equal, what cannot be seen is none, no line is turned round."""
# ruff: noqa: RUF001 - names of many scripts, some of whose letters look like Latin ones

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.text import accepted, shown

CHEF = "👩\u200d🍳"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("ann", "ann"),
        ("  ann\n", "ann"),
        ("\u00a0Zoë\u3000", "Zoë"),
        ("Jose\u0301", "José"),
        ("\u1112\u1161\u11ab", "한"),
        ("\u2126", "\u03a9"),  # the sign of ohm is an omega
        ("a\u200bn\u00adn\ufeff", "ann"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("דוד\u200f", "דוד"),
        (CHEF, CHEF),
        (ENGLAND, ENGLAND),
        ("❤\ufe0f", "❤\ufe0f"),
        ("葛\U000e0100", "葛\U000e0100"),
        ("ann\u200d", "ann"),
        ("\u200cann \u200d", "ann"),
        ("a\u206fn\u2065n\U000e0001", "ann"),
        ("\u1160ann\u3164", "ann"),
        ("ann\u00a0b\u2009c\u2800", "ann b c"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("می\u200c\u200cخواهم", "می\u200cخواهم"),
        ("می\u200c خواهم", "می خواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("র\u200d্যাব", "র\u200d্যাব"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("an\u200dn", "ann"),
        ("O\u200cle", "Ole"),
        ("Jose\u200d\u0301", "José"),
        ("Ива\u200dн", "Иван"),
        ("山\u200d田", "山田"),
        ("ann\ufe0f lee\U000e0067", "ann lee"),
        ("👩🏽\u200d🍳", "👩🏽\u200d🍳"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
        ("❤\ufe0f\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("👩\u200dann", "👩ann"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("1\ufe0f", "1"),
        ("ann  lee", "ann lee"),
        ("ann \u3000 \u00a0lee", "ann lee"),
        ("O'Brien-García (3)", "O'Brien-García (3)"),
    ],
)
def test_a_name_is_kept_in_one_form(given_: str, kept: str) -> None:
    assert accepted(given_) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\t\n", "\u3000", "\u200b", "\u200d", "\ufeff", "\u2800", "\u3164", "\u115f"),
        *("\0", "ann\0", "a\nb", "a\tb", "\x1b[31mred", "a\x7fb", "a\x9bb", "a\u2028b", "\u0301"),
    ],
)
def test_what_cannot_be_seen_or_moves_a_cursor_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="must not"):
        accepted(text)


@given(st.text())
def test_what_is_accepted_once_stays_as_it_is(text: str) -> None:
    try:
        kept = accepted(text)
    except ValueError:
        return
    assert accepted(kept) == kept == kept.strip() == unicodedata.normalize("NFC", kept)
    assert accepted(unicodedata.normalize("NFD", kept)) == kept


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ann", "ann"),
        ("[/] [red]", "[/] [red]"),
        ("José", "José"),
        (CHEF, CHEF),
        ("דוד", "\u2068דוד\u2069"),
        ("ann \u202egnp", "ann gnp"),
        ("\u2069דוד", "\u2068דוד\u2069"),
        ("a\x1b[2Jb\n", "a\ufffd[2Jb\ufffd"),
    ],
)
def test_in_a_line_a_text_stays_in_its_place(text: str, line: str) -> None:
    assert shown(text) == line


@given(st.text())
def test_nothing_that_is_shown_moves_a_cursor_or_is_left_open(text: str) -> None:
    line = shown(text)
    assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") for c in line)
    assert line.count("\u2068") == line.count("\u2069") <= 1
    assert not set(line) & set("\u202a\u202b\u202d\u202e\u2066\u2067")
