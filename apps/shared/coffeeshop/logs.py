"""Structured log lines: one JSON object a line on standard error, which every runtime collects."""

import json
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

traceparent: ContextVar[Callable[[], str]] = ContextVar("traceparent", default=str)
"""Tells the W3C trace context of the request being handled; empty when the caller sent none."""

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
