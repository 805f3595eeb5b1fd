"""JSON that is nested deeper than a parser takes."""

import re

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{\]}]', re.DOTALL)


def cut(document: bytes, levels: int) -> bytes:
    """The document with this many levels: a list or an object at the last of them is empty."""
    kept: list[bytes] = []
    depth = begin = 0
    for mark in _MARKS.finditer(document):
        if mark[0] in (b"[", b"{"):
            depth += 1
            if depth == levels:
                kept.append(document[begin : mark.end()])
        elif mark[0] in (b"]", b"}"):
            if depth == levels:
                begin = mark.start()
            depth -= 1
    return b"".join((*kept, document[begin:]))
