"""People's texts, such as names: one rule at every entry, one at every exit.

In: no invisible marks, single blanks of one kind, Unicode's composed form (NFC), trimmed; what is
left must be visible and have no control characters. So names that look equal are equal
texts, however a keyboard makes them. What joins and varies characters is kept where it does
something: in emoji, and in scripts whose letters join. Out, to a terminal: see `shown`.
"""

import re
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
marks of annotation. Not `_FORMERS`, which languages and emoji need."""
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
_BLANK_RUN = re.compile("  +")
_PLAIN: dict[int, str | None] = {**_DROPPED, **_BLANKS}
_AT_ENDS = " \t\n\v\f\r"
_JOINERS = "\u200c\u200d"
_FORMERS = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]+")
"""Joiners (U+200C, U+200D), selectors of variants, and the tags of flags."""
_DOUBLED = re.compile("([\u200c\u200d\ufe00-\ufe0f])\\1+")
_JOINING = re.compile(
    "[\u0620-\u077f\u07c0-\u0dff\u1000-\u109f\u1700-\u18af\u1a20-\u1c4f\ua800-\ua95f\ua980-\uaaff"
    "\uabc0-\uabff\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
"""Scripts whose letters join, or form clusters: Arabic, those of India and their kin."""
_IDEOGRAPHS = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
ISOLATE, END = "\u2068", "\u2069"


def accepted(text: str) -> str:
    """The text in the one form in which it is kept. Raises `ValueError`, in words for people."""
    if not (text.isascii() and text.isprintable()):
        text = _FORMERS.sub(_formers, text.translate(_PLAIN))
        text = unicodedata.normalize("NFC", text)
    text = _BLANK_RUN.sub(" ", text.strip(_AT_ENDS))
    if not text.isprintable() and any(unicodedata.category(c) in _CONTROLS for c in text):
        raise ValueError("must not have control characters, such as a line's end")
    if not any(map(_is_visible, text)):
        raise ValueError("must not be blank")
    return text


def _formers(found: re.Match[str]) -> str:
    """Those of a run that change how the characters on its sides look."""
    run, text = _DOUBLED.sub(r"\1", found[0]), found.string
    before = found.start() - 1
    while before >= 0 and unicodedata.category(text[before])[0] == "M":
        before -= 1
    base = text[before] if before >= 0 else ""
    after = text[found.end() : found.end() + 1]
    if not base:
        return ""
    if unicodedata.category(base)[0] == "S":
        # An emoji, of several parts perhaps.
        joins = bool(after) and unicodedata.category(after)[0] == "S"
        return "".join(c for c in run if c not in _JOINERS or (c == "\u200d" and joins))
    if _JOINING.match(base):
        return "".join(c for c in run if c <= "\ufe0f") if _JOINING.match(after) else ""
    if _IDEOGRAPHS.match(base):
        return "".join(c for c in run if c not in _JOINERS)
    return "\ufe0f" if after == "\u20e3" and "\ufe0f" in run else ""  # the emoji of a key


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
