"""`make logs ORDER=<id>`: one order's log lines of all four APIs, sorted by time."""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.base import console
from scripts.base.console import Failure
from scripts.stack.supervise import Stack

Line = dict[str, Any]

# Spin calls each idle worker that ends with it "worker panicked".
_TRAP = re.compile(r".*(?:wasm trap|resource has children|(?<!worker )panicked|Traceback).*")

_FIRST = ("time", "level", "api", "event", "orderId", "traceId")


def parse(text: str) -> Line | None:
    """A guest's log line: a JSON object behind the runtime's prefix. None for any other line."""
    start = text.find('{"time":')
    if start < 0:
        return None
    try:
        found: Line = json.loads(text[start:])
    except ValueError:
        return None
    return found if "event" in found else None


def of_order(logs: Iterable[Path], order_id: str) -> list[Line]:
    """The order's lines in all the logs, by time."""
    lines = [
        line
        for log in logs
        for text in log.read_text(errors="replace").splitlines()
        if order_id in text and (line := parse(text)) is not None
    ]
    return sorted(lines, key=lambda line: str(line["time"]))


def traps(logs: Iterable[Path]) -> list[str]:
    """The lines in which a runtime says that it ended a guest."""
    return [line for log in logs for line in _TRAP.findall(log.read_text(errors="replace"))]


def render(line: Line) -> str:
    """One line for people: time, API, what happened, and what belongs to it."""
    rest = " ".join(
        f"{k}={_visible(v)}" for k, v in line.items() if k not in _FIRST and v is not None
    )
    first = f"{line['time'][11:23]}  {line['api']:12} {line['event']:20}"
    return f"{_visible(first)} {rest}".rstrip()


def _visible(value: object) -> str:
    """As it is, or as JSON writes it: a control character would reach the terminal."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1]:
        raise Failure("say which order: make logs ORDER=<id>")
    order_id = sys.argv[1]
    apis = [log for log in Stack.default().logs() if log.name.endswith("-api.log")]
    lines = of_order(apis, order_id)
    for line in lines:
        print(render(line))
    if not lines:
        raise Failure(f"no API has logged anything about an order {order_id}.")
    return 0


if __name__ == "__main__":
    console.main(main)
