"""The calls of placing an order as they were recorded, made again without an application."""

import json
import re
from collections.abc import Iterable
from uuid import uuid4

from tests.bench.calls import Placing, groups
from tests.bench.load import Target
from tests.bench.stacks import Bench
from tests.support.proxy import Exchange

Bare = tuple[str, str, str]
"""Method, target and body of a call."""

_INDEX = re.compile(r'(/state/counter-store/|")(?:all|customer)-')


def environment(groups: Iterable[Iterable[Bare]], answer: bytes, stack: Bench) -> dict[str, str]:
    """What the bare guest needs: its calls to the stack's counter-sidecar, in groups that are made
    at once, and its answer."""
    calls = {"groups": [list(group) for group in groups], "answer": answer.decode()}
    return {
        "CALLS": json.dumps(calls),
        "TOKEN": stack.secrets["sidecar_token"],
        "SIDECAR": _sidecar(stack),
    }


def recorded(order: Placing) -> list[list[Bare]]:
    """The groups of calls that placed the order, to be made for others."""
    return [[_call(each, order) for each in group] for group in groups(order.calls)]


def targets(order: Placing, stack: Bench, count: int) -> list[Target]:
    """The calls of `count` orders, one after another, for a load tool."""
    calls = [_call(each, order) for each in order.calls]
    sidecar, token = _sidecar(stack), {"dapr-api-token": stack.secrets["sidecar_token"]}
    found = []
    for _ in range(count):
        order_id = str(uuid4())
        for method, target, body in calls:
            url = f"http://{sidecar}{target.replace('{id}', order_id)}"
            content = body.replace("{id}", order_id).encode()
            found.append(Target(method, url, content, token))
    return found


def _sidecar(stack: Bench) -> str:
    return f"127.0.0.1:{stack.ports.sidecar('counter')}"


def _call(exchange: Exchange, order: Placing) -> Bare:
    """Method, target and body, to be repeated: with the order's id open, and with index entries
    under keys of their own, where the last writer wins."""
    call = exchange.call
    target, body = call.target, call.body.decode()
    if _INDEX.search(target) or _INDEX.search(body):
        target, body = _INDEX.sub(r"\1bare-", target), _INDEX.sub(r"\1bare-", body)
        body = body.replace("first-write", "last-write")
    return call.method, target.replace(order.order_id, "{id}"), body.replace(order.order_id, "{id}")
