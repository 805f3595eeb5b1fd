"""People's texts, such as names: one rule at every entry, one at every exit.

In: no invisible marks, Unicode's composed form (NFC), trimmed; what is left must be visible and
have no control characters. So equal names are equal texts, however a keyboard makes them. Emoji
stay as they are: what joins their parts is kept. Out, to a terminal: see `shown`.
"""

import unicodedata

_DROPPED = dict.fromkeys(
    map(
        ord,
        "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
        "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff\ufff9\ufffa\ufffb",
    )
)
"""Marks that show nothing: of direction, of width zero, of annotation. Not the joiners U+200C and
U+200D, which languages and emoji need."""
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing."""
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
ISOLATE, END = "\u2068", "\u2069"


def accepted(text: str) -> str:
    """The text in the one form in which it is kept. Raises `ValueError`, in words for people."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text.translate(_DROPPED))
    text = text.strip()
    if not text.isprintable() and any(unicodedata.category(c) in _CONTROLS for c in text):
        raise ValueError("must not have control characters, such as a line's end")
    if not any(map(_is_visible, text)):
        raise ValueError("must not be blank")
    return text


def _is_visible(character: str) -> bool:
    """Whether something can be seen of it by itself."""
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


def shown(text: str) -> str:
    """The text as it may stand between others in a terminal: control characters made visible, and a
    text that runs from right to left kept from turning round what stands beside it."""
    if text.isascii() and text.isprintable():
        return text
    text = "".join(
        "\ufffd" if unicodedata.category(c) in _CONTROLS else c for c in text.translate(_DROPPED)
    )
    if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        return f"{ISOLATE}{text}{END}"
    return text
