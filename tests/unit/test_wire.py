"""Orders on the wire: what is refused names the command's own fields; repeats are recognised."""

import json
from typing import Any

import pytest

from coffeeshop.contracts import ItemRequest, PlaceOrder, Station
from counter import wire
from counter.documents import Order
from counter.order import Rejected, Wanted, place, requested_types
from counter.view import view
from example_orders import DEADLINE, MENU, NOW, ORDER_ID, command, placed


def ordered(asked: PlaceOrder) -> Order:
    request = wire.order_request(asked)
    requested_types(request)
    return place(request, MENU, order_id=ORDER_ID, now=NOW, deadline=DEADLINE)


def errors(asked: PlaceOrder) -> list[tuple[str, str]]:
    """What is wrong with the command, by field."""
    with pytest.raises(Rejected) as rejected:
        ordered(asked)
    problem = wire.rejected(asked, rejected.value)
    assert problem.status == 422
    return [(error.field, error.message) for error in problem.errors]


def items(*types: int) -> PlaceOrder:
    listed = tuple(ItemRequest(itemType=item_type) for item_type in types)
    return PlaceOrder(loyaltyMemberId="ann", items=listed)


def test_the_lists_of_a_command_are_one_list_with_the_stations_that_they_name() -> None:
    asked = command([1], [7]).model_copy(update={"items": items(5).items})
    assert wire.order_request(asked).items == (
        Wanted(1, Station.BARISTA),
        Wanted(7, Station.KITCHEN),
        Wanted(5),
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (command([7], []), [("baristaItems.0", "CROISSANT is made by the kitchen, not by the")]),
        (command([1], [7, 5]), [("kitchenItems.1", "LATTE is made by the barista, not by the")]),
        (
            command([99], [98]),
            [("baristaItems.0", "there is no item 99"), ("kitchenItems.0", "there is no item 98")],
        ),
        (items(1, 99), [("items.1", "there is no item 99 on the menu")]),
    ],
)
def test_an_item_that_cannot_be_made_so_is_refused_by_its_field(
    asked: PlaceOrder, expected: list[tuple[str, str]]
) -> None:
    found = errors(asked)
    assert [field for field, _ in found] == [f"{field}.itemType" for field, _ in expected]
    assert all(told.startswith(text) for (_, told), (_, text) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (items(), "an order needs at least one item"),
        (command([1] * 26, [7] * 25), "an order may have at most 50 items in all, this one has 51"),
    ],
)
def test_an_order_with_too_few_or_too_many_items_is_refused(
    asked: PlaceOrder, message: str
) -> None:
    assert errors(asked) == [("baristaItems", message), ("kitchenItems", message)]


@pytest.mark.parametrize(
    ("changes", "is_the_same"),
    [
        ({"timestamp": NOW}, True),
        ({"location": 1}, False),
        ({"loyaltyMemberId": "bob"}, False),
        ({"baristaItems": ()}, False),
    ],
)
def test_a_repeat_has_the_fingerprint_of_the_first_request_whatever_the_poss_clock(
    changes: dict[str, Any], is_the_same: bool
) -> None:
    first = command([1], [7])
    again = first.model_copy(update=changes)
    hashes = {wire.order_request(each).body_hash for each in (first, again)}
    assert (len(hashes) == 1) == is_the_same


@pytest.mark.parametrize(
    "text",
    [
        '{"items":[{"itemType":1}],"loyaltyMemberId":"Jos\u00e9"}',
        '{"loyaltyMemberId":" Jose\u0301\u200b","items":[{"itemType":1}]}',
        '{"loyaltyMemberId":"Jos\u00e9","items":[{"itemType":1}],"kitchenItems":null}',
        '{"loyaltyMemberId":"Jos\u00e9","items":[{"itemType":1}],"baristaItems":[],"location":0}',
        '{"loyaltyMemberId":"Jos\\u00e9","items":[{"itemType":1}],"commandType":null}',
        '\n{ "loyaltyMemberId" : "Jos\u00e9", "items" : [ { "itemType" : 1 } ] }',
    ],
)
def test_a_repeat_that_is_written_otherwise_has_the_fingerprint_of_the_first_request(
    text: str,
) -> None:
    """A till that was updated meanwhile may order fields otherwise, or leave defaults out."""
    first = PlaceOrder.model_validate_json(
        '{"loyaltyMemberId":"Jos\u00e9","items":[{"itemType":1}]}'
    )
    again = PlaceOrder.model_validate_json(text)
    assert wire.order_request(again).body_hash == wire.order_request(first).body_hash


def test_an_orders_money_is_a_number_with_two_decimals() -> None:
    document = wire.document(view(placed([1], [7]), {}))
    assert b'"total":6.25,' in document
    assert [item["price"] for item in json.loads(document)["items"]] == [3.0, 3.25]
