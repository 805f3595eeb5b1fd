"""Which events a sidecar dies of, by what is in them (daprd 1.18.2, postman/http/http.go:89)."""

import json
from typing import Any

import pytest

from scripts.operate.dead_letters import Pending, describe_pending


def pending(data: str | None) -> Pending:
    fields = {} if data is None else {"data": data}
    return Pending("kitchen_order_placed", "kitchen-api", "1-1", 12.3, 2, fields)


@pytest.mark.parametrize(
    "event",
    [
        {"traceid": 1},
        {"traceparent": []},
        {"traceparent": False, "traceid": "t"},
        {"traceparent": None, "traceid": {}},
    ],
)
def test_a_trace_that_is_no_text_is_poison(event: Any) -> None:
    entry = pending(json.dumps(event))
    assert "is no text" in (entry.poison() or "")
    assert "given 2 times: its sidecar dies of it" in describe_pending(entry)


@pytest.mark.parametrize(
    "data",
    [
        None,
        *("", "{", "null", "[]", "1", '"x"', "{}"),
        '{"traceparent":"00-x","traceid":7}',
        '{"traceparent":null,"traceid":null}',
    ],
)
def test_what_a_sidecar_can_bear_is_none(data: str | None) -> None:
    assert pending(data).poison() is None
