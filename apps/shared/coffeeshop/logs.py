"""Structured log lines: one JSON object a line on standard error, which every runtime collects.

And the trace context that they belong to (W3C Trace Context and Baggage).
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

# An id of zeros is none (W3C Trace Context); sidecars send it on when a trace was never begun.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")
MAX_BAGGAGE = 2048
"""Characters. A sidecar refuses a request whose headers have 8 KB together, whatever it is."""
_VALUE = r"(?:[!#$&-+\--:<-\[\]-~]|%[0-9A-Fa-f]{2})*"
_KEY = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEMBER = rf"{_KEY}[ \t]*=[ \t]*{_VALUE}(?:[ \t]*;[ \t]*{_KEY}(?:[ \t]*=[ \t]*{_VALUE})?)*"
_BAGGAGE = re.compile(rf"[ \t]*{_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER}){{0,63}}[ \t]*")


class Trace:
    """The trace context of a request. Looked up when a call or a log line needs it: a host's header
    costs as much as some answers. What is malformed is left out, for a sidecar answers 400 to a
    call with it."""

    __slots__ = ("_header", "_parent", "_rest")

    def __init__(self, header: Callable[[str], str | None]) -> None:
        self._header = header
        self._parent: str | None = None
        self._rest: tuple[tuple[str, str], ...] | None = None

    def __call__(self) -> str:
        """The `traceparent`, or an empty text."""
        if self._parent is None:
            text = self._header("traceparent") or ""
            self._parent = text if _TRACEPARENT.fullmatch(text) else ""
        return self._parent

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What a call carries on: `traceparent`, `tracestate` and `baggage`."""
        parent = (("traceparent", self()),) if self() else ()
        if self._rest is None:
            state = self._header("tracestate") if parent else None
            self._rest = _carried(state or "", self._header("baggage") or "")
        return (*parent, *self._rest)


def _carried(state: str, baggage: str) -> tuple[tuple[str, str], ...]:
    carried = []
    if _TRACESTATE.fullmatch(state):
        carried.append(("tracestate", state))
    if len(baggage) <= MAX_BAGGAGE and _BAGGAGE.fullmatch(baggage):
        carried.append(("baggage", baggage))
    return tuple(carried)


_NONE = Trace(lambda _: None)
traceparent: ContextVar[Trace] = ContextVar("traceparent", default=_NONE)
"""Of the request being handled."""


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Calls and log lines belong to this trace meanwhile."""
    before = traceparent.get()
    traceparent.set(trace)
    try:
        yield
    finally:
        traceparent.set(before)  # a reset would demand the context that the task began in


Log = Callable[..., None]

# Made once: `json.dumps` makes an encoder for each call with separators of one's own.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def logger(api: str, clock: Callable[[], datetime]) -> Log:
    """A function `log(event, *, level="info", **fields)`; fields must never hold an identity."""

    def log(event: str, *, level: str = "info", **fields: object) -> None:
        line: dict[str, object] = {
            "time": clock().astimezone(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "api": api,
            "event": event,
        }
        if trace := traceparent.get()():
            line["traceId"] = trace[3:35]
        sys.stderr.write(_encode(line | fields) + "\n")

    return log
