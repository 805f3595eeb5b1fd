"""How placing and cancelling an order end, beside what `counter.order` rejects."""

from dataclasses import dataclass

from counter.view import OrderView


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """An order, and whether an earlier request with the same key had placed it."""

    order: OrderView
    is_repeat: bool


class KeyReused(Exception):
    """The idempotency key belongs to an order with another body."""


class Abandoned(Exception):
    """The key's order was given up before it was saved: it will never be made."""


class OutcomeUnknown(Exception):
    """Whether the order was saved is unknown: the same key will tell."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class UnknownOrder(Exception):
    """There is no such order, and there never will be."""


class OrderEnded(Exception):
    """The order has ended: nothing of it can be cancelled any more."""

    def __init__(self, order: OrderView) -> None:
        super().__init__(order.order.id)
        self.order = order
