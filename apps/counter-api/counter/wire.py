"""Orders on the wire: what a POS asks for into the domain's terms, and orders out of them."""

import hashlib
from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter

from coffeeshop import contracts, parameters
from coffeeshop.contracts import MAX_ITEMS, ItemStatus, OrderStatus, PlaceOrder, Station
from coffeeshop.http import Problem, invalid_fields
from coffeeshop.index_reader import Cursor
from coffeeshop.pages import Page
from coffeeshop.responses import FieldError
from counter.documents import Collection, Item, ItemOutcome
from counter.order import OrderRequest, Rejected, Wanted, WrongCount, WrongItems
from counter.pickup import Pickup
from counter.view import OrderView

_ORDERS = TypeAdapter(contracts.Order)
_PAGES = TypeAdapter(contracts.OrderPage)
_PICKUPS = TypeAdapter(contracts.Pickup)
_COLLECTED = TypeAdapter(contracts.Collected)

# In


def order_request(command: PlaceOrder) -> OrderRequest:
    return OrderRequest(
        loyalty_member_id=command.loyaltyMemberId,
        order_source=command.orderSource,
        location=command.location,
        timestamp=command.timestamp,
        items=tuple(
            Wanted(item.itemType, station)
            for _, station, items in _lists(command)
            for item in items
        ),
        body_hash=_fingerprint(command),
    )


def _fingerprint(command: PlaceOrder) -> str:
    """Of all that makes it this request: not of the POS's clock, which a repeat reads again."""
    canonical = command.model_dump_json(exclude={"timestamp"})
    return hashlib.sha256(canonical.encode()).hexdigest()


def _lists(
    command: PlaceOrder,
) -> tuple[tuple[str, Station | None, Sequence[contracts.ItemRequest]], ...]:
    """The command's lists of items, and the station that must make what stands in each."""
    return (
        ("baristaItems", Station.BARISTA, command.baristaItems),
        ("kitchenItems", Station.KITCHEN, command.kitchenItems),
        ("items", None, command.items),
    )


def rejected(command: PlaceOrder, error: Rejected) -> Problem:
    """422, with the fields of the command that are wrong."""
    if isinstance(error, WrongItems):
        return invalid_fields(_wrong_items(command, error))
    message = "an order needs at least one item"
    if isinstance(error, WrongCount) and error.count:
        message = f"an order may have at most {MAX_ITEMS} items in all, this one has {error.count}"
    return invalid_fields(
        FieldError(field=field, message=message) for field in ("baristaItems", "kitchenItems")
    )


def _wrong_items(command: PlaceOrder, error: WrongItems) -> Iterable[FieldError]:
    places = [
        (f"{field}.{number}.itemType", station, item.itemType)
        for field, station, items in _lists(command)
        for number, item in enumerate(items)
    ]
    for position, known in error.items.items():
        field, station, item_type = places[position]
        message = (
            f"there is no item {item_type} on the menu"
            if known is None
            else f"{known.name} is made by the {known.station}, not by the {station}"
        )
        yield FieldError(field=field, message=message)


# Out


def document(seen: OrderView) -> bytes:
    """The order as JSON."""
    return contracts.with_numbers(_ORDERS.dump_json(_order(seen)))


def page(found: Page[OrderView]) -> bytes:
    """The page of orders as JSON."""
    document = contracts.OrderPage(
        orders=tuple(map(_order, found.documents)),
        next=parameters.encoded(found.next) if found.next else None,
    )
    return contracts.with_numbers(_PAGES.dump_json(document))


def page_of(orders: Iterable[bytes], next_: Cursor | None) -> bytes:
    """A page of orders that are JSON already."""
    cursor = b'"%s"' % parameters.encoded(next_).encode() if next_ else b"null"
    return b'{"orders":[%s],"next":%s}' % (b",".join(orders), cursor)


def pickup(called: Pickup) -> bytes:
    """What is called out, as JSON."""
    document = contracts.Pickup(
        inPreparation=tuple(map(_called, called.in_preparation)),
        ready=tuple(map(_called, called.ready)),
    )
    return _PICKUPS.dump_json(document)


def collected(order_id: str, collection: Collection) -> bytes:
    """When the order was collected, as JSON."""
    return _COLLECTED.dump_json(contracts.Collected(order_id, collection.collected_at))


def _called(seen: OrderView) -> contracts.PickupOrder:
    ready = [o for o in seen.outcomes.values() if o.status is ItemStatus.READY]
    return contracts.PickupOrder(
        orderId=seen.order.id,
        number=seen.order.number,
        name=seen.order.loyalty_member_id,
        status=seen.status,
        placedAt=seen.order.placed_at,
        readyAt=seen.updated_at if seen.is_terminal else None,
        estimateSeconds=seen.estimate,
        items=len(seen.order.items),
        readyItems=len(ready),
    )


def _order(seen: OrderView) -> contracts.Order:
    """The order as the public sees it. Its parts were checked when they came in."""
    order = seen.order
    total = _dollars(order.total)
    return contracts.Order(
        id=order.id,
        number=order.number,
        status=seen.status,
        loyaltyMemberId=order.loyalty_member_id,
        orderSource=order.order_source,
        location=order.location,
        timestamp=order.timestamp,
        placedAt=order.placed_at,
        updatedAt=seen.updated_at,
        expiresAt=order.expires_at,
        estimateSeconds=seen.estimate,
        total=total,
        due=total if seen.status is OrderStatus.FULFILLED else _dollars(seen.due),
        items=tuple(_item(item, seen.outcomes.get(item.id)) for item in order.items),
        history=tuple(
            contracts.StatusChange(status=change.status, at=change.at, cause=change.cause)
            for change in seen.history
        ),
    )


def _item(item: Item, outcome: ItemOutcome | None) -> contracts.OrderItem:
    return contracts.OrderItem(
        id=item.id,
        itemType=item.item_type,
        name=item.name,
        price=_dollars(item.price),
        station=item.station,
        status=outcome.status if outcome else ItemStatus.PLACED,
        reason=outcome.reason if outcome else None,
    )


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
