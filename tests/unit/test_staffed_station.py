"""A station where people make: its tickets are started, finished and cancelled, each once.

T1 to T9 are rules of docs/workflow.md.
"""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from coffeeshop.transport import Call, NoAnswer
from example_kitchen import CANCELLED, ORDERED, OTHER_ID, UPDATED, Kitchen, event, is_save
from example_orders import NOW, ORDER_ID, later
from example_staff import TICKETS, Staffed

START, READY, FAIL = "start", "ready", "fail"


def is_ticket_save(call: Call) -> bool:
    return is_save(call) and b'"key":"order-' in call.body


def is_index_save(call: Call) -> bool:
    return is_save(call) and b'"key":"tickets-' in call.body


def publishes(call: Call) -> bool:
    return "/publish/" in call.target


def lose(kitchen: Staffed, which: object) -> None:
    """From now on these calls are lost."""

    def before(call: Call) -> None:
        if callable(which) and which(call):
            raise NoAnswer("lost")

    kitchen.sidecar.before = before


def meanwhile(kitchen: Staffed, happens: Callable[[], object]) -> None:
    """Just before the next ticket is saved, this happens."""

    def before(call: Call) -> None:
        if is_ticket_save(call):
            kitchen.sidecar.before = lambda _: None
            kitchen.meanwhile(happens)

    kitchen.sidecar.before = before


# Taking up


def test_an_order_is_taken_up_and_reported_as_not_final() -> None:
    kitchen = Staffed()
    assert kitchen.two(number=17, name="Ann", placedAt=NOW.isoformat()).status == 204
    (told,) = kitchen.sidecar.events(UPDATED)
    assert told == kitchen.to_report()
    assert (told["final"], told["sequence"]) == (False, 1)
    assert kitchen.items() == ["QUEUED", "QUEUED"]
    assert (kitchen.record()["number"], kitchen.record()["name"]) == (17, "Ann")


def test_a_repeated_order_and_a_reminder_get_the_ticket_as_it_is() -> None:
    """W5, W8, T6."""
    kitchen = Staffed()
    kitchen.two()
    lose(kitchen, publishes)
    assert kitchen.tap(START).status == 200
    lose(kitchen, None)
    kitchen.two()
    assert kitchen.statuses() == ["QUEUED", "STARTED"]
    assert [each.id for each in kitchen.sidecar.published] == [
        f"{ORDER_ID}.kitchen.updated",
        f"{ORDER_ID}.kitchen.updated.2",
    ]


def test_the_index_entry_is_confirmed_before_the_ticket_is_created() -> None:
    """T1."""
    kitchen = Staffed()
    lose(kitchen, is_index_save)
    assert kitchen.two().status == 503
    assert kitchen.record() is None
    assert kitchen.sidecar.published == []
    lose(kitchen, None)
    assert kitchen.two().status == 204
    saves = [call for call in kitchen.sidecar.calls if is_index_save(call) or is_ticket_save(call)]
    assert is_index_save(saves[-2])
    assert is_ticket_save(saves[-1])


def test_the_orders_of_one_delivery_are_taken_up_with_one_save_of_index_and_tickets() -> None:
    kitchen = Staffed()
    assert kitchen.bulk(ORDERED, [event(), event(OTHER_ID)]) == ["SUCCESS"] * 2
    assert len([call for call in kitchen.sidecar.calls if is_ticket_save(call)]) == 1
    assert len([call for call in kitchen.sidecar.calls if is_index_save(call)]) == 1
    assert sorted(kitchen.listed()) == [ORDER_ID, OTHER_ID]


def test_a_station_that_makes_at_once_makes_three_calls_and_no_index() -> None:
    """One read, one save, one publish, as before there were tickets."""
    kitchen = Kitchen()
    kitchen.order()
    assert [(call.method, call.target.partition("?")[0]) for call in kitchen.sidecar.calls] == [
        ("POST", "/v1.0/state/kitchen-store/bulk"),
        ("POST", "/v1.0/state/kitchen-store"),
        ("POST", "/v1.0/publish/pubsub/kitchen_order_updated"),
    ]
    assert list(kitchen.sidecar.documents) == [f"order-{ORDER_ID}"]
    kitchen.cancel()
    assert len(kitchen.sidecar.calls) == 5


def test_nobody_but_staff_ends_what_was_taken_up() -> None:
    """T8: a reminder after the deadline finds the ticket and leaves it."""
    kitchen = Staffed()
    kitchen.two()
    kitchen.now = NOW + timedelta(hours=5)
    kitchen.two()
    assert kitchen.items() == ["QUEUED", "QUEUED"]
    assert kitchen.statuses() == ["QUEUED", "QUEUED"]


# Taps


def test_a_ticket_is_started_and_made_by_somebody_and_each_change_is_reported() -> None:
    """T6, T9."""
    kitchen = Staffed()
    kitchen.two()
    kitchen.now = later(20)
    assert kitchen.status(kitchen.tap(START)) == (200, ["STARTED", "STARTED"])
    kitchen.now = later(80)
    assert kitchen.status(kitchen.tap(READY, [2], by="bob")) == (200, ["STARTED", "READY"])
    kitchen.tap(READY)
    told = kitchen.sidecar.events(UPDATED)
    assert [(each["sequence"], each["final"]) for each in told] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
    ]
    assert told[-1] == kitchen.to_report()
    muffin = kitchen.record()["items"][1]
    assert (muffin["startedBy"], muffin["endedBy"]) == ("ann", "bob")
    assert muffin["startedAt"] < muffin["endedAt"]


def test_what_cannot_be_made_has_a_reason() -> None:
    kitchen = Staffed()
    kitchen.two()
    assert kitchen.tap(FAIL, [1]).status == 422
    answer = kitchen.tap(FAIL, [1], reason="The oven is cold.")
    assert kitchen.status(answer) == (200, ["FAILED", "QUEUED"])
    (_, told) = kitchen.sidecar.events(UPDATED)
    assert told["items"][0]["reason"] == "The oven is cold."
    assert not told["final"]


def test_a_double_tap_is_one_change_and_one_making() -> None:
    """T4, G4."""
    kitchen = Staffed()
    kitchen.two()
    first, second = kitchen.tap(START), kitchen.tap(START)
    assert first.body == second.body
    assert kitchen.record()["sequence"] == 2
    assert len(kitchen.sidecar.events(UPDATED)) == 2


def test_of_two_screens_at_the_same_moment_one_starts_and_both_see_who(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """T3, T4: the other one's save meets the first one's, and finds it done."""
    kitchen = Staffed()
    kitchen.two()
    meanwhile(kitchen, lambda: kitchen.tap(START, by="bob"))
    answer = kitchen.tap(START, by="ann")
    assert kitchen.status(answer) == (200, ["STARTED", "STARTED"])
    assert [item["startedBy"] for item in json.loads(answer.body)["items"]] == ["bob", "bob"]
    assert kitchen.record()["sequence"] == 2
    assert capsys.readouterr().err.count("item.started") == 2


def test_who_saw_another_version_is_told_how_the_ticket_is() -> None:
    """T5."""
    kitchen = Staffed()
    kitchen.two()
    assert kitchen.tap(START, by="bob", seen=1).status == 200
    answer = kitchen.tap(START, by="ann", seen=1)
    assert kitchen.status(answer) == (412, ["STARTED", "STARTED"])
    assert dict(answer.headers)["etag"] == '"2"'
    assert kitchen.tap(READY, by="ann", seen=2).status == 200
    assert kitchen.tap(READY, by="bob", seen=2).status == 412


def test_a_tap_whose_answer_was_lost_is_answered_when_it_is_repeated() -> None:
    """T5: with the version that was seen before it."""
    kitchen = Staffed()
    kitchen.two()

    def after(call: Call) -> None:
        if is_ticket_save(call):
            raise NoAnswer("lost")

    kitchen.sidecar.after = after
    assert kitchen.tap(START, seen=1).status == 503
    kitchen.sidecar.after = lambda _: None
    assert kitchen.status(kitchen.tap(START, seen=1)) == (200, ["STARTED", "STARTED"])
    assert kitchen.record()["sequence"] == 2


@pytest.mark.parametrize("matches", ["*", '"1"', '"7", "1"'])
def test_if_match_may_name_several_versions_or_any(matches: str) -> None:
    kitchen = Staffed()
    kitchen.two()
    body = {"by": "ann"}
    target = f"{TICKETS}/{ORDER_ID}/start"
    answer = kitchen.ask("POST", target, body, content_type="application/json", if_match=matches)
    assert answer.status == 200


def test_a_weak_version_matches_nothing() -> None:
    """RFC 9110, 13.1.1."""
    kitchen = Staffed()
    kitchen.two()
    target = f"{TICKETS}/{ORDER_ID}/start"
    answer = kitchen.ask(
        "POST", target, {"by": "ann"}, content_type="application/json", if_match='W/"1"'
    )
    assert answer.status == 412


@pytest.mark.parametrize(
    "matches", ["", " ", "1", "**", '"1', '"1" "2"', "'1'", '"\xe9"', '"1",', '"%s"' % ("9" * 2000)]
)
def test_a_condition_that_nobody_understands_is_refused_and_changes_nothing(matches: str) -> None:
    kitchen = Staffed()
    kitchen.two()
    target = f"{TICKETS}/{ORDER_ID}/start"
    answer = kitchen.ask(
        "POST", target, {"by": "ann"}, content_type="application/json", if_match=matches
    )
    assert answer.status == 400
    assert kitchen.items() == ["QUEUED", "QUEUED"]


def test_a_tap_that_was_not_saved_is_not_answered_as_done() -> None:
    """T6, G18."""
    kitchen = Staffed()
    kitchen.two()
    lose(kitchen, is_ticket_save)
    assert kitchen.tap(START).status == 503
    assert kitchen.items() == ["QUEUED", "QUEUED"]
    assert len(kitchen.sidecar.published) == 1


def test_a_tap_that_was_saved_is_answered_whatever_becomes_of_its_report() -> None:
    """T6."""
    kitchen = Staffed()
    kitchen.two()
    lose(kitchen, publishes)
    assert kitchen.tap(START).status == 200
    assert kitchen.items() == ["STARTED", "STARTED"]


def test_a_tap_that_an_item_cannot_follow_is_told_why() -> None:
    """T3."""
    kitchen = Staffed()
    kitchen.two()
    answer = kitchen.tap(READY, [1])
    assert answer.status == 409
    assert json.loads(answer.body)["detail"] == "CROISSANT is not started."


def test_a_tap_for_a_ticket_or_an_item_that_is_not_there_is_refused() -> None:
    kitchen = Staffed()
    assert kitchen.tap(START).status == 404
    kitchen.two()
    answer = kitchen.tap(START, [1, 9])
    assert answer.status == 422
    assert json.loads(answer.body)["errors"][0]["field"] == "items"
    assert kitchen.tap(START, []).status == 422
    assert kitchen.tap(START, by=" ").status == 422
    assert kitchen.tap(START, reason="why").status == 422


# Cancelling


def test_a_cancellation_in_time_ends_the_ticket_and_one_too_late_does_not() -> None:
    """T7, W13, G16."""
    kitchen = Staffed()
    kitchen.two()
    kitchen.two(OTHER_ID)
    kitchen.tap(START, order_id=OTHER_ID)
    assert kitchen.cancel().status == 204
    assert kitchen.cancel(OTHER_ID).status == 204
    assert kitchen.items() == ["CANCELLED", "CANCELLED"]
    assert kitchen.items(OTHER_ID) == ["STARTED", "STARTED"]
    assert kitchen.statuses()[-2:] == ["CANCELLED", "STARTED"]
    assert kitchen.tap(START).status == 409


def test_a_cancellation_leaves_the_items_that_are_begun() -> None:
    """T7."""
    kitchen = Staffed()
    kitchen.two()
    kitchen.tap(START, [1])
    kitchen.cancel()
    assert kitchen.items() == ["STARTED", "CANCELLED"]
    assert not kitchen.record()["final"]


def test_a_cancellation_and_a_start_at_the_same_moment_agree() -> None:
    """T3, T7: the one that comes second sees what the first one did."""
    kitchen = Staffed()
    kitchen.two()
    meanwhile(kitchen, lambda: kitchen.tap(START))
    assert kitchen.cancel().status == 204
    assert kitchen.items() == ["STARTED", "STARTED"]


def test_a_cancellation_that_overtakes_its_order_wins() -> None:
    """W13."""
    kitchen = Staffed()
    kitchen.cancel()
    kitchen.two()
    assert kitchen.statuses() == ["CANCELLED", "CANCELLED"]
    assert kitchen.listed() == []


def test_a_cancellation_that_is_not_confirmed_comes_again() -> None:
    kitchen = Staffed()
    kitchen.two()
    lose(kitchen, is_ticket_save)
    assert kitchen.cancel().status == 503
    lose(kitchen, None)
    assert kitchen.bulk(CANCELLED, [event()]) == ["SUCCESS"]
    assert kitchen.items() == ["CANCELLED", "CANCELLED"]


# Closing the day


def test_closing_the_day_ends_everything_that_is_open_and_reports_it() -> None:
    """T8."""
    kitchen = Staffed()
    kitchen.two()
    kitchen.two(OTHER_ID)
    kitchen.tap(START)
    kitchen.tap(READY, [1])
    body = {"by": "ann", "reason": "The shop closes."}
    target = "/v1/api/kitchen/close-day"
    answer = kitchen.ask("POST", target, body, content_type="application/json")
    assert json.loads(answer.body) == {"ended": 2, "open": 0}
    assert kitchen.items() == ["READY", "FAILED"]
    assert kitchen.items(OTHER_ID) == ["FAILED", "FAILED"]
    last = kitchen.sidecar.events(UPDATED)[-2:]
    assert all(each["final"] for each in last)
    assert last[1]["items"][1]["reason"] == "The shop closes."
    again = kitchen.ask("POST", target, body, content_type="application/json")
    assert json.loads(again.body) == {"ended": 0, "open": 0}
    assert kitchen.ask("POST", target, {"by": "ann"}, content_type="application/json").status == 422


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tickets"),
        ("GET", "/tickets/events"),
        ("GET", f"/tickets/{ORDER_ID}"),
        ("POST", f"/tickets/{ORDER_ID}/start"),
        ("POST", f"/tickets/{ORDER_ID}/ready"),
        ("POST", f"/tickets/{ORDER_ID}/fail"),
        ("POST", "/close-day"),
        ("GET", "/times"),
    ],
)
def test_only_staff_see_and_change_tickets(method: str, path: str) -> None:
    kitchen = Staffed(staff_token="secret")
    kitchen.two()
    target = f"/v1/api/kitchen{path}"
    assert kitchen.ask(method, target, {}).status == 401
    body = {"by": "ann", "reason": "r"} if method == "POST" else None
    headers = {"authorization": "Bearer secret", "content_type": "application/json"}
    assert kitchen.ask(method, target, body, **headers).status not in (401, 403, 404)


def test_what_everybody_may_read_names_no_person() -> None:
    """The result of an order needs no token."""
    kitchen = Staffed()
    kitchen.two(name="Customer Ann")
    kitchen.tap(START, by="bob")
    answer = kitchen.ask("GET", f"/v1/api/kitchen/orders/{ORDER_ID}")
    assert json.loads(answer.body) == kitchen.to_report()
    assert b"Customer" not in answer.body
    assert b"bob" not in answer.body


def test_the_log_names_no_person(capsys: pytest.CaptureFixture[str]) -> None:
    kitchen = Staffed()
    kitchen.two(name="Customer Ann")
    kitchen.tap(START, by="Barista Bob")
    kitchen.tap(FAIL, reason="Ann left", by="Barista Bob")
    told = capsys.readouterr().err
    assert "item.failed" in told
    assert "Ann" not in told
    assert "Bob" not in told
