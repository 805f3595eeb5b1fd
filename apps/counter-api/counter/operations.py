"""What the descriptions say of counter-api's routes, which are in `counter.api`."""

from coffeeshop.contracts import Menu, Order, OrderPage, OrderStatus, PlaceOrder
from coffeeshop.operation import JSON, Answer, Operation, Parameter

_PAGE = (
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        "Orders on a page",
    ),
    Parameter("cursor", {"type": "string"}, "The `next` of an earlier page"),
)
_EVENTS = "text/event-stream"

PLACE_ORDER = Operation(
    "placeOrder",
    "Place an order",
    (
        Answer(
            201,
            "The order; the first one, for a repeated request",
            Order,
            JSON,
            ("location",),
            ("idempotency-replayed",),
        ),
    ),
    problems=(409, 429, 503),
    parameters=(
        Parameter(
            "Idempotency-Key",
            {"type": "string", "pattern": "^[!-~]{1,255}$"},
            "Makes a repeated request the same order",
            place="header",
        ),
    ),
    body=PlaceOrder,
)
GET_ORDER = Operation(
    "getOrder",
    "One order",
    (Answer(200, "The order", Order, JSON),),
    problems=(404, 422, 503),
    parameters=(
        Parameter(
            "wait",
            {"type": "integer", "minimum": 0, "maximum": 30, "default": 0},
            "Seconds to wait for the order to end",
        ),
    ),
)
CANCEL_ORDER = Operation(
    "cancelOrder",
    "Ask for an order to be cancelled: each station decides by what it has begun",
    (Answer(202, "The order as it is; what becomes of it shows in its items", Order, JSON),),
    problems=(404, 409, 503),
)
FOLLOW_ORDER = Operation(
    "followOrder",
    "One order as it changes, until it has ended: server-sent events, each one the order",
    (Answer(200, "A stream of orders, at most a minute: then connect again", None, _EVENTS),),
    problems=(404, 503),
)
LIST_CUSTOMER_ORDERS = Operation(
    "listCustomerOrders",
    "A customer's orders, newest first",
    (Answer(200, "A page of orders", OrderPage, JSON),),
    problems=(422, 503),
    parameters=(
        Parameter(
            "loyaltyMemberId",
            {"type": "string", "minLength": 1},
            "The identity given at the counter",
            required=True,
        ),
        *_PAGE,
    ),
)
LIST_ALL_ORDERS = Operation(
    "listAllOrders",
    "All orders, newest first",
    (Answer(200, "A page of orders", OrderPage, JSON),),
    problems=(422, 503),
    parameters=(
        Parameter("status", {"type": "string", "enum": list(OrderStatus)}, "Only these"),
        *_PAGE,
    ),
)
FOLLOW_ALL_ORDERS = Operation(
    "followAllOrders",
    "The newest orders as they change: server-sent events, each one a page",
    (Answer(200, "A stream of pages, for a minute or 256 KB: then connect again", None, _EVENTS),),
    problems=(422, 503),
    parameters=(
        _PAGE[0],
        Parameter(
            "changes",
            {"type": "boolean", "default": False},
            "After the first page only the orders that are new or changed",
        ),
    ),
)
GET_MENU = Operation(
    "getMenu",
    "The menu as the counter shows it: with what is sold out",
    (
        Answer(200, "The menu", Menu, JSON, ("etag",)),
        Answer(304, "As it was", headers=("etag",)),
    ),
    problems=(503,),
)
GET_PICTURE = Operation(
    "getPicture",
    "A drawing of the item",
    (Answer(200, "The drawing", media_type="image/svg+xml"),),
    problems=(404, 429, 429, 503),
)
SELL_OUT = Operation(
    "putSoldOut",
    "Staff: the item is sold out, at the station that makes it",
    (Answer(204, "It is on the station's list"),),
    problems=(404, 429, 503),
)
SELL_AGAIN = Operation(
    "deleteSoldOut",
    "Staff: the item is to be had again",
    (Answer(204, "It is not on the station's list"),),
    problems=(404, 429, 503),
)
SWEEP = Operation(
    "sweep",
    "The regular look at orders that are not settled, called by the API's own sidecar",
    (Answer(204, "Done"),),
    problems=(503,),
    internal=True,
)
EVENTS_DESCRIPTION = Operation(
    "getEventsDescription",
    "The description of the events (AsyncAPI)",
    (
        Answer(200, "The description", dict[str, object], JSON, ("etag",)),
        Answer(304, "As it was", headers=("etag",)),
    ),
)
