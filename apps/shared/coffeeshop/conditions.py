"""Conditions of a request: the versions (ETags) of which the caller has seen one."""

import re
from collections.abc import Sequence

from coffeeshop.request import Request
from coffeeshop.responses import Problem

MAX_IF_MATCH = 1024
"""Characters. counter-api hands it on to stations, and a sidecar refuses a request whose headers
have 8 KB together."""

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")


def if_match(request: Request) -> Sequence[str] | None:
    """The versions in `If-Match`, or `*` for any; None without one. Raises `Problem` 400 for what
    is neither: a condition that nobody understands must not be taken for none."""
    given = request.header("if-match")
    if given is None:
        return None
    text = given.strip(" \t")
    if text == "*":
        return (text,)
    if len(text) > MAX_IF_MATCH or not _TAGS.fullmatch(text):
        raise Problem(400, 'If-Match must be the ETag of what was seen, such as "3", or *.')
    return re.findall(_TAG, text)
