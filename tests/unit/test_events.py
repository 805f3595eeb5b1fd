"""Events as they are delivered, one by one and in bulk, and what the sidecar is told of each."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from coffeeshop.contracts import StationAnswered
from coffeeshop.events import MAX_DELIVERY, Delivered, deliver
from coffeeshop.http import Problem, Request, Response, TooLarge, TruncatedBody
from coffeeshop.transport import ServiceUnavailable
from example_orders import NOW, ORDER_ID

GOOD: dict[str, Any] = {
    "version": 1,
    "orderId": ORDER_ID,
    "station": "kitchen",
    "items": [],
    "answeredAt": NOW.isoformat(),
}
NEWER = GOOD | {"version": 2}
BAD = {"version": 1}


class Handler:
    """Takes what is delivered; fails if it shall."""

    def __init__(self, *, fails: bool = False) -> None:
        self.batches: list[list[StationAnswered]] = []
        self.contexts: list[dict[str, str]] = []
        self.logged: list[str] = []
        self._fails = fails

    async def __call__(self, events: Sequence[Delivered[StationAnswered]]) -> None:
        self.batches.append([each.event for each in events])
        self.contexts += [dict(each.trace.headers()) for each in events]
        if self._fails:
            raise ServiceUnavailable("The store did not confirm.")

    def deliver(self, body: Any, media_type: str = "application/cloudevents+json") -> Response:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def read(limit: int) -> bytes:
            if len(text) > limit:
                raise TooLarge
            return text

        request = Request("POST", "/", {"content-type": media_type}.get, read)
        log: Any = lambda event, **_: self.logged.append(event)  # noqa: E731
        return asyncio.run(deliver(request, StationAnswered, self, log))

    def bulk(self, *events: Any) -> list[tuple[str, str]]:
        entries = [{"entryId": f"e{n}", "event": {"data": data}} for n, data in enumerate(events)]
        answer = self.deliver({"entries": entries, "topic": "kitchen_order_updated"})
        assert answer.status == 200
        found = json.loads(answer.body)["statuses"]
        return [(each["entryId"], each["status"]) for each in found]


def test_an_event_is_handled_and_answered_without_a_body() -> None:
    """An answer with a body takes 44 ms on Spin (docs/facts/spin.md)."""
    handler = Handler()
    answer = handler.deliver({"data": GOOD})
    assert (answer.status, answer.body) == (204, b"")
    assert [each.orderId for each in handler.batches[0]] == [ORDER_ID]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 30_000,
        {"data": BAD},
        {"data": GOOD | {"answeredAt": "2026-11-24T10:00:00"}},
        {"data": None},
        {"entries": 1},
        {"entries": [1]},
        {"data": GOOD, "more": "x" * MAX_DELIVERY},
    ],
)
def test_what_is_no_event_is_dead_lettered_at_once(body: Any) -> None:
    handler = Handler()
    answer = handler.deliver(body)
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "DROP"})
    assert handler.batches == []
    assert handler.logged == ["event.malformed"]


def test_a_newer_version_is_dead_lettered_at_once() -> None:
    """To repeat it would hold the sidecar's workers; what is open is asked about again (W8)."""
    handler = Handler()
    answer = handler.deliver({"data": NEWER})
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "DROP"})
    assert handler.batches == []
    assert handler.logged == ["event.unknown_version"]


def test_what_the_handler_cannot_do_now_is_delivered_again() -> None:
    with pytest.raises(ServiceUnavailable):
        Handler(fails=True).deliver({"data": GOOD})


def test_events_in_bulk_are_handled_together_and_answered_each() -> None:
    handler = Handler()
    assert handler.bulk(GOOD, BAD, NEWER, GOOD) == [
        ("e0", "SUCCESS"),
        ("e1", "DROP"),
        ("e2", "DROP"),
        ("e3", "SUCCESS"),
    ]
    assert [len(batch) for batch in handler.batches] == [2]


def test_in_bulk_nothing_is_handled_where_nothing_is_an_event() -> None:
    handler = Handler()
    assert handler.bulk(BAD, NEWER) == [("e0", "DROP"), ("e1", "DROP")]
    assert handler.bulk() == []
    assert handler.batches == []


def test_in_bulk_all_events_come_again_if_the_handler_fails() -> None:
    """Also what would be dropped: it is then dropped."""
    with pytest.raises(ServiceUnavailable):
        Handler(fails=True).bulk(GOOD, BAD)


PARENTS = tuple(f"00-{n:032x}-{n:016x}-01" for n in (1, 2))


def test_in_bulk_each_event_has_the_trace_that_it_carries() -> None:
    handler = Handler()
    events = [
        {"data": GOOD, "traceparent": PARENTS[0], "tracestate": "a=1", "baggage": "till=7"},
        {"data": GOOD, "traceparent": PARENTS[1]},
        {"data": GOOD, "traceparent": 5, "tracestate": ["a"], "baggage": {"a": 1}},
        {"data": GOOD, "traceparent": "00-not-one", "tracestate": "a=1", "baggage": "a\nb"},
    ]
    entries = [{"entryId": str(n), "event": event} for n, event in enumerate(events)]
    assert handler.deliver({"entries": entries}).status == 200
    assert handler.contexts == [
        {"traceparent": PARENTS[0], "tracestate": "a=1", "baggage": "till=7"},
        {"traceparent": PARENTS[1]},
        {},
        {},
    ]


def test_sixty_four_large_events_fit_into_a_delivery() -> None:
    items = [
        {
            "id": f"{ORDER_ID}-{n}",
            "itemType": 7,
            "name": "CROISSANT_CHOCOLATE",
            "status": "FAILED",
            "reason": "CROISSANT_CHOCOLATE was not made: the order came to the kitchen too late.",
            "makeId": None,
        }
        for n in range(50)
    ]
    large = GOOD | {"items": items}
    assert {status for _, status in Handler().bulk(*[large] * 64)} == {"SUCCESS"}


def test_a_delivery_that_was_cut_short_comes_again() -> None:
    """What it would have said is not known: it is no reason to dead-letter an event."""

    async def read(limit: int) -> bytes:
        raise TruncatedBody

    handler = Handler()
    request = Request("POST", "/", {"content-type": "application/json"}.get, read)
    with pytest.raises(Problem) as refused:
        asyncio.run(deliver(request, StationAnswered, handler, lambda *_, **__: None))
    assert refused.value.status == 503
    assert not handler.batches


def test_an_event_that_nests_too_deep_is_read_and_takes_no_other_along() -> None:
    """What is deep is of no field of ours, and ignored. Else all of them would come again."""
    handler = Handler()
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    answer = handler.bulk(GOOD, GOOD | {"more": deep}, {"version": 1, "items": deep}, GOOD)
    assert [status for _, status in answer] == ["SUCCESS", "SUCCESS", "DROP", "SUCCESS"]
    assert [len(batch) for batch in handler.batches] == [3]
