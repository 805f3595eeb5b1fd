"""A station's rules: made once, the first verdict is final, only its own sidecar may order.

W1 to W17 are the rules of docs/workflow.md.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from coffeeshop.transport import Call, NoAnswer
from example_kitchen import CANCELLED, ORDERED, OTHER_ID, UPDATED, Kitchen, event, is_save
from example_orders import NOW, ORDER_ID


def test_a_repeated_order_is_made_once_and_answered_twice() -> None:
    """W5, W8, G4: a question gets the report again, under the same id."""
    kitchen = Kitchen()
    assert kitchen.order().status == 204
    assert kitchen.order().status == 204
    first, second = kitchen.sidecar.published
    assert first == second
    assert first.data["items"][0]["status"] == "READY"
    assert first.data["items"][0]["makeId"]
    assert first.data["final"] is True


def test_each_making_has_an_id_of_its_own() -> None:
    """W6: so that what was made twice can be counted."""
    kitchen = Kitchen()
    items = [{"id": f"{ORDER_ID}-{n}", "itemType": 7, "name": "CROISSANT"} for n in (1, 2)]
    kitchen.order(items=items)
    (report,) = kitchen.sidecar.events(UPDATED)
    assert len({item["makeId"] for item in report["items"]}) == 2


def test_a_sold_out_item_fails_and_says_so() -> None:
    kitchen = Kitchen()
    assert kitchen.ask("PUT", "/v1/api/kitchen/unavailable/7").status == 204
    kitchen.order()
    item = kitchen.sidecar.published[0].data["items"][0]
    assert (item["status"], item["reason"]) == ("FAILED", "CROISSANT is sold out.")
    assert item["makeId"] is None


def test_the_first_verdict_is_final_whatever_is_listed_later() -> None:
    """W5: the record is read before the expiry is looked at, and wins."""
    kitchen = Kitchen()
    kitchen.order()
    kitchen.ask("PUT", "/v1/api/kitchen/unavailable/7")
    kitchen.now = NOW + timedelta(hours=1)
    kitchen.order()
    assert kitchen.statuses() == ["READY"] * 2


def test_an_expired_order_is_not_made() -> None:
    """W5: the failure is stored, so that it stays one."""
    kitchen = Kitchen()
    kitchen.now = NOW + timedelta(hours=1)
    kitchen.order()
    kitchen.now = NOW
    kitchen.order()
    assert kitchen.statuses() == ["FAILED"] * 2


def test_the_record_is_confirmed_before_anything_is_made_or_told() -> None:
    """W5, W6: an unknown outcome is answered 503, and comes again."""
    kitchen = Kitchen()

    def lose(call: Call) -> None:
        if is_save(call):
            raise NoAnswer("lost")

    kitchen.sidecar.before = lose
    assert kitchen.order().status == 503
    assert kitchen.sidecar.published == []
    assert kitchen.record() is None


def test_a_record_whose_confirmation_was_lost_is_told_as_it_is() -> None:
    """W5: what is stored decides, and it was stored."""
    kitchen = Kitchen()

    def lose(call: Call) -> None:
        if is_save(call):
            raise NoAnswer("lost")

    kitchen.sidecar.after = lose
    assert kitchen.order().status == 204
    assert kitchen.sidecar.events(UPDATED) == [kitchen.to_report()]


def test_of_two_deliveries_at_once_the_stored_record_is_told_by_both(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """W5, W6: the one that meets another's record makes nothing, and publishes that record."""
    kitchen, rival = Kitchen(), Kitchen()
    rival.order()

    def overtake(call: Call) -> None:
        if is_save(call) and kitchen.record() is None:
            kitchen.sidecar.put(f"order-{ORDER_ID}", rival.record())

    kitchen.sidecar.before = overtake
    capsys.readouterr()
    assert kitchen.order().status == 204
    assert kitchen.sidecar.events(UPDATED) == [rival.to_report()]
    assert "item.made" not in capsys.readouterr().err


def test_a_report_that_was_not_published_comes_with_the_next_delivery() -> None:
    kitchen = Kitchen()

    def lose(call: Call) -> None:
        if "/publish/" in call.target:
            raise NoAnswer("lost")

    kitchen.sidecar.before = lose
    assert kitchen.order().status == 503
    kitchen.sidecar.before = lambda _: None
    assert kitchen.order().status == 204
    assert kitchen.sidecar.events(UPDATED) == [kitchen.to_report()]


# Cancelling (W13)


def test_what_was_cancelled_before_it_came_is_never_made() -> None:
    """W13, G16: also if `placed` comes only afterwards."""
    kitchen = Kitchen()
    assert kitchen.cancel().status == 204
    assert kitchen.order().status == 204
    assert kitchen.statuses() == ["CANCELLED"] * 2
    item = kitchen.record()["items"][0]
    assert (item["makeId"], item["reason"]) == (
        None,
        "CROISSANT was cancelled before it was begun.",
    )


def test_what_is_made_stays_made_and_is_reported_again() -> None:
    """W13, G16."""
    kitchen = Kitchen()
    kitchen.order()
    assert kitchen.cancel().status == 204
    assert kitchen.statuses() == ["READY"] * 2


# In bulk


def test_a_delivery_of_many_costs_one_read_one_save_and_one_publish() -> None:
    kitchen = Kitchen()
    ids = [f"{ORDER_ID[:-2]}{n:02}" for n in range(50)]
    assert kitchen.bulk(ORDERED, [event(each) for each in ids]) == ["SUCCESS"] * 50
    assert len(kitchen.sidecar.calls) == 3
    assert [each["orderId"] for each in kitchen.sidecar.events(UPDATED)] == ids


def test_an_order_that_is_twice_in_a_delivery_is_made_once() -> None:
    kitchen = Kitchen()
    assert kitchen.bulk(ORDERED, [event(), event()]) == ["SUCCESS"] * 2
    assert kitchen.sidecar.events(UPDATED) == [kitchen.to_report()]


def test_an_order_that_is_known_changes_nothing_for_the_others_of_a_delivery() -> None:
    """W5: the known one is told as it is recorded, the new one is decided."""
    kitchen = Kitchen()
    kitchen.order()
    first = kitchen.record()
    kitchen.ask("PUT", "/v1/api/kitchen/unavailable/7")
    assert kitchen.bulk(ORDERED, [event(), event(OTHER_ID)]) == ["SUCCESS"] * 2
    assert kitchen.record() == first
    assert kitchen.statuses() == ["READY", "READY", "FAILED"]


def test_an_order_that_met_another_record_leaves_the_others_of_a_delivery_made() -> None:
    """W5: one taken key is the answer to the whole save; each record is then told as it is."""
    kitchen, rival = Kitchen(), Kitchen()
    rival.cancel()

    def overtake(call: Call) -> None:
        if is_save(call) and kitchen.record() is None:
            kitchen.sidecar.put(f"order-{ORDER_ID}", rival.record())

    kitchen.sidecar.before = overtake
    assert kitchen.bulk(ORDERED, [event(), event(OTHER_ID)]) == ["SUCCESS"] * 2
    told = {each["orderId"]: each for each in kitchen.sidecar.events(UPDATED)}
    assert told == {ORDER_ID: rival.to_report(), OTHER_ID: kitchen.to_report(OTHER_ID)}


def test_a_delivery_of_which_one_record_is_not_confirmed_comes_again() -> None:
    """W5: with what is confirmed told already."""
    kitchen = Kitchen()

    def lose(call: Call) -> None:
        if is_save(call):
            first, *_ = json.loads(call.body)
            kitchen.sidecar.put(first["key"], first["value"])
            raise NoAnswer("lost")

    kitchen.sidecar.before = lose
    assert kitchen.bulk(ORDERED, [event(), event(OTHER_ID)]) == 503
    assert kitchen.sidecar.events(UPDATED) == [kitchen.to_report()]
    kitchen.sidecar.before = lambda _: None
    assert kitchen.bulk(ORDERED, [event(), event(OTHER_ID)]) == ["SUCCESS"] * 2
    assert kitchen.record(OTHER_ID) is not None


def test_each_report_of_a_delivery_goes_on_in_the_trace_of_its_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The sidecar keeps the trace of an event that has a `traceid`."""
    kitchen = Kitchen()
    ids = [ORDER_ID, OTHER_ID]
    traces = {each: f"00-{n:032x}-{n:016x}-01" for n, each in enumerate(ids, 1)}
    orders = [
        event(each) | {"traceparent": traces[each], "tracestate": 'a="1', "baggage": f"b={each}"}
        for each in ids
    ]
    kitchen.bulk(ORDERED, orders)
    for each in kitchen.sidecar.published:
        order_id = each.data["orderId"]
        assert each.attributes["traceid"] == each.attributes["traceparent"] == traces[order_id]
        assert each.attributes["tracestate"] == 'a="1'
        assert each.attributes["baggage"] == f"b={order_id}"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    made = {line["orderId"]: line["traceId"] for line in lines if line["event"] == "item.made"}
    assert made == {each: trace[3:35] for each, trace in traces.items()}


def test_the_report_that_is_alone_goes_on_in_the_trace_of_its_order() -> None:
    """One of two events is none: the report is published by itself, with the trace in headers."""
    kitchen = Kitchen()
    parent = f"00-{1:032x}-{1:016x}-01"
    carried = {"traceparent": parent, "tracestate": "a=1", "baggage": "b=1"}
    kitchen.bulk(ORDERED, [event() | carried, {"data": {"version": 1}}])
    headers = dict(kitchen.sidecar.calls[-1].headers)
    assert {name: headers[name] for name in carried} == carried
    (published,) = kitchen.sidecar.published
    assert published.attributes["baggage"] == "b=1"
    assert "traceid" not in published.attributes


# What is no order, and who may order


@pytest.mark.parametrize("path", [ORDERED, CANCELLED])
@pytest.mark.parametrize("body", [None, [], {}, {"data": 1}, {"data": {"version": 1}}])
def test_what_is_no_order_is_dropped_to_the_dead_letters(path: str, body: Any) -> None:
    kitchen = Kitchen()
    answer = kitchen.ask("POST", path, body)
    assert (answer.status, answer.body) == (200, b'{"status":"DROP"}')
    assert not kitchen.sidecar.documents


def test_a_newer_version_is_dropped_to_the_dead_letters_and_not_repeated() -> None:
    kitchen = Kitchen()
    answer = kitchen.order(version=2)
    assert (answer.status, answer.body) == (200, b'{"status":"DROP"}')
    assert not kitchen.sidecar.documents


@pytest.mark.parametrize("path", [ORDERED, CANCELLED])
@pytest.mark.parametrize("token", ["", "wrong"])
def test_only_its_own_sidecar_may_order(path: str, token: str) -> None:
    kitchen = Kitchen()
    assert kitchen.ask("POST", path, {}, token=token).status == 403
    assert not kitchen.sidecar.calls
