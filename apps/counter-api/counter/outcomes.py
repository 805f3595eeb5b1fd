"""How placing and cancelling an order end, beside what `counter.order` rejects."""

from dataclasses import dataclass

from counter.view import View


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, and whether an earlier request with the same key had placed it."""

    order: View
    is_repeat: bool


class KeyReused(Exception):
    """The idempotency key belongs to an order with another body."""


class Abandoned(Exception):
    """The key's order was given up before it was saved: it will never be made."""


class MayExist(Exception):
    """Whether the order was saved is unknown: the same key will tell."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class UnknownOrder(Exception):
    """There is no such order, and there never will be."""


class Ended(Exception):
    """The order has ended: nothing of it can be cancelled any more."""

    def __init__(self, order: View) -> None:
        super().__init__(order.order.id)
        self.order = order
