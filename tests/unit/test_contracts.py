"""What a command may hold, and that what it may not is told by name and in plain words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from coffeeshop.contracts import (
    Command,
    PlaceOrder,
    StationAnswered,
    StationOrdered,
    TypesQuery,
)
from coffeeshop.responses import MAX_ERRORS, MAX_FIELD, FieldError, invalid_document
from coffeeshop.tickets import CloseDay, FailTap, Tap

ORDER: dict[str, Any] = {"loyaltyMemberId": "ann", "items": [{"itemType": 1}]}
ORDERED: dict[str, Any] = {
    "version": 1,
    "orderId": "5a1b2c3d-0000-4000-8000-00000000abcd",
    "expiresAt": "2026-11-24T10:00:00Z",
    "items": [{"id": "i", "itemType": 1, "name": "COFFEE_BLACK"}],
}


def order(**changes: Any) -> PlaceOrder:
    return PlaceOrder.model_validate_json(json.dumps(ORDER | changes))


def refused(document: Any) -> tuple[FieldError, ...]:
    with pytest.raises(ValidationError) as error:
        PlaceOrder.model_validate_json(json.dumps(document))
    return invalid_document(error.value).errors


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (ORDER | {"quantity": 2}, "quantity"),
        (ORDER | {"kitchenItem": []}, "kitchenItem"),
        (ORDER | {"loyaltymemberid": "ann"}, "loyaltymemberid"),
        (ORDER | {"items": [{"itemType": 1, "quantity": 2}]}, "items.0.quantity"),
        (ORDER | {"baristaItems": [{"itemType": 1, "note": "hot"}]}, "baristaItems.0.note"),
    ],
)
def test_a_field_that_is_not_known_is_refused_by_name(document: Any, field: str) -> None:
    assert refused(document) == (FieldError(field=field, message="is not a field of this request"),)


def test_every_command_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        TypesQuery.model_validate_json('{"types":"1","type":"2"}')


def test_an_event_may_have_fields_of_a_newer_writer() -> None:
    event = StationOrdered.model_validate_json(
        json.dumps(ORDERED | {"colour": 1, "items": [{**ORDERED["items"][0], "note": "hot"}]})
    )
    assert event.items[0].itemType == 1


@pytest.mark.parametrize("field", ["baristaItems", "kitchenItems", "items"])
def test_null_is_as_good_as_no_list(field: str) -> None:
    assert getattr(order(**{field: None}), field) == ()


def test_null_is_as_good_as_no_number() -> None:
    assert order(commandType=None, orderSource=None, location=None, timestamp=None) == order()


@pytest.mark.parametrize("name", ["José", "Jose\u0301", " José", "José\u200f", "Jos\u00e9\u200b\n"])
def test_a_name_in_two_forms_is_one_customer(name: str) -> None:
    assert order(loyaltyMemberId=name).loyaltyMemberId == "José"


@pytest.mark.parametrize(
    "name",
    ["", " ", "\0", "\u200b", "ann\x1b[2J", "a\nb", "x" * 201, "\u0958" * 101, 5, None],
)
def test_what_is_no_name_is_refused(name: Any) -> None:
    (error,) = refused(ORDER | {"loyaltyMemberId": name})
    assert error.field == "loyaltyMemberId"


@pytest.mark.parametrize(
    ("command", "field"),
    [(Tap, "by"), (FailTap, "by"), (FailTap, "reason"), (CloseDay, "by"), (CloseDay, "reason")],
)
def test_what_staff_write_follows_the_rule_for_names(command: type[Command], field: str) -> None:
    document = {name: "ann" for name in command.model_fields if name != "items"}
    taken = command.model_validate(document | {field: " Jose\u0301\u200b "})
    assert getattr(taken, field) == "Jos\u00e9"
    for text in ("", " ", "a\0", "ann\x1b[2J", "a\nb", "x" * 201):
        with pytest.raises(ValidationError):
            command.model_validate(document | {field: text})


@pytest.mark.parametrize(
    "moment",
    [
        *("2026-11-24T10:00:00", "2026-11-24 10:00", "2026-11-24", "10:00", "now", ""),
        *("1700000000", "-1700000000", 1_700_000_000, 1.5, True, []),
    ],
)
def test_a_time_without_a_zone_is_refused(moment: Any) -> None:
    (error,) = refused(ORDER | {"timestamp": moment})
    assert error.field == "timestamp"
    assert "2026-11-24T10:00:00Z" in error.message


def test_a_time_with_a_zone_is_kept_as_it_is() -> None:
    kept = order(timestamp="2026-11-24T10:00:00+02:00").timestamp
    assert kept == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert kept is not None
    assert kept.utcoffset() == timedelta(hours=2)


def test_an_events_time_without_a_zone_is_none() -> None:
    with pytest.raises(ValidationError):
        StationOrdered.model_validate(ORDERED | {"expiresAt": "2026-11-24T10:00:00"})
    answer = {"orderId": ORDERED["orderId"], "station": "barista", "items": []}
    with pytest.raises(ValidationError):
        StationAnswered.model_validate(answer | {"answeredAt": "2026-11-24T10:00:00"})


@pytest.mark.parametrize(
    "order_id", ["", "o", "a/../b", "a b", "a\0", "é", "o||p", ORDERED["orderId"].upper()]
)
def test_an_events_order_has_an_id_that_is_safe_in_a_key(order_id: str) -> None:
    with pytest.raises(ValidationError):
        StationOrdered.model_validate(ORDERED | {"orderId": order_id})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (ORDER | {"items": [{"itemType": 1}] * 51}, "may have at most 50 entries"),
        (ORDER | {"items": {}}, "must be a list"),
        (ORDER | {"items": [1]}, "must be an object"),
        (ORDER | {"items": [{"itemType": "1"}]}, "must be a whole number"),
        (ORDER | {"items": [{"itemType": 1.5}]}, "must be a whole number"),
        (ORDER | {"items": [{"itemType": 10_000}]}, "must be at most 9999"),
        (ORDER | {"items": [{}]}, "is required"),
        (ORDER | {"location": -1}, "must be at least 0"),
        (ORDER | {"location": True}, "must be a whole number"),
        (ORDER | {"orderSource": "1"}, "must be a whole number"),
        (ORDER | {"orderSource": 1e300}, "must be a whole number"),
        (ORDER | {"commandType": False}, "must be a whole number"),
        (ORDER | {"items": [{"itemType": True}]}, "must be a whole number"),
        (ORDER | {"commandType": 1}, "must be at most 0"),
        (ORDER | {"loyaltyMemberId": ""}, "must not be empty"),
        ([], "must be an object"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(document: Any, message: str) -> None:
    assert [error.message for error in refused(document)] == [message]


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*PlaceOrder.model_fields, "x"]), _ODD)
    | st.builds(lambda odd: ORDER | {"items": [{"itemType": odd}, odd]}, _ODD)
)
def test_no_message_is_in_a_developers_words(document: Any) -> None:
    try:
        PlaceOrder.model_validate_json(json.dumps(document))
    except ValidationError as error:
        for each in invalid_document(error).errors:
            text = each.message.lower()
            assert not any(w in text for w in ("input", "valid", "tuple", "string", "integer", "{"))


def test_an_answer_names_some_fields_and_not_thousands() -> None:
    errors = refused({"x" * 500: 1} | {f"x{n}": n for n in range(5_000)})
    assert len(errors) == MAX_ERRORS
    assert max(len(error.field) for error in errors) == MAX_FIELD
