"""People's texts, such as names: one rule at every entry, one at every exit.

In: no invisible marks, one kind of blank, Unicode's composed form (NFC), trimmed; what is left must
be visible and have no control characters. So equal names are equal texts, however a keyboard makes
them. Emoji stay as they are: what joins their parts is kept. Out, to a terminal: see `shown`.
"""

import unicodedata
from itertools import chain

_INVISIBLE = (
    *(range(0xAD, 0xAE), range(0x34F, 0x350), range(0x61C, 0x61D), range(0x115F, 0x1161)),
    *(range(0x17B4, 0x17B6), range(0x180E, 0x180F), range(0x200B, 0x200C), range(0x200E, 0x2010)),
    *(range(0x202A, 0x202F), range(0x2060, 0x2070), range(0x3164, 0x3165), range(0xFEFF, 0xFF00)),
    *(range(0xFFA0, 0xFFA1), range(0xFFF0, 0xFFFC), range(0x1BCA0, 0x1BCA4)),
    *(range(0x1D173, 0x1D17B), range(0xE0000, 0xE0020), range(0xE0080, 0xE0100)),
)
"""What shows nothing, whatever stands beside it: Unicode's Default_Ignorable_Code_Point and the
marks of annotation. Not the joiners U+200C and U+200D, the selectors of variants and the tags of
flags, which languages and emoji need."""
_DROPPED = dict.fromkeys(chain.from_iterable(_INVISIBLE))
_BLANKS = dict.fromkeys(
    map(
        ord,
        "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
        "\u205f\u2800\u3000",
    ),
    " ",
)
"""What looks like a blank: each is one."""
_PLAIN: dict[int, str | None] = {**_DROPPED, **_BLANKS}
_AT_ENDS = " \t\n\v\f\r\u200c\u200d"
"""Blanks, and the joiners: at an end there is nothing to join."""
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
ISOLATE, END = "\u2068", "\u2069"


def accepted(text: str) -> str:
    """The text in the one form in which it is kept. Raises `ValueError`, in words for people."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text.translate(_PLAIN))
    text = text.strip(_AT_ENDS)
    if not text.isprintable() and any(unicodedata.category(c) in _CONTROLS for c in text):
        raise ValueError("must not have control characters, such as a line's end")
    if not any(map(_is_visible, text)):
        raise ValueError("must not be blank")
    return text


def _is_visible(character: str) -> bool:
    """Whether something can be seen of it by itself."""
    return unicodedata.category(character)[0] in "LNPS"


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
