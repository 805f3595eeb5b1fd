"""Late orders: open after their deadline. Staff hear of them, and no timer ends them.

W1 to W19 are the rules of docs/workflow.md.
"""

import asyncio

from coffeeshop.contracts import OrderStatus, Station
from coffeeshop.environment import Environment
from coffeeshop.index_reader import Cursor
from coffeeshop.pages import Page
from coffeeshop.settings import Settings
from coffeeshop.sidecar import Sidecar
from counter.documents import Order
from counter.late import LateOrders
from counter.view import OrderView
from example_counter import Counter, run
from example_orders import DEADLINE

B, K = Station.BARISTA, Station.KITCHEN
OVER = DEADLINE.total_seconds() + 1
DAY = 86_400


def late(
    counter: Counter, cursor: Cursor | None = None, count: int = 20, status: str | None = None
) -> Page[OrderView]:
    async def sleep(_: float) -> None:
        return

    env = Environment(Settings(), counter.sidecar, lambda: counter.now, lambda _: b"", sleep)
    return asyncio.run(LateOrders(Sidecar(counter.sidecar, ""), env).page(cursor, count, status))


def ids(page: Page[OrderView]) -> list[str]:
    return [seen.order.id for seen in page.documents]


def accepted(counter: Counter) -> Order:
    """An order that both stations have accepted, and a sweep has seen."""
    order = counter.order()
    counter.report(order, final=False)
    counter.sweep()
    return order


def test_an_accepted_order_is_late_after_its_deadline_until_it_has_ended() -> None:
    counter = Counter()
    order = accepted(counter)
    assert ids(late(counter)) == []
    counter.later(OVER)
    assert ids(late(counter)) == [order.id]
    counter.report(order)
    assert ids(late(counter)) == []


def test_an_accepted_order_is_never_failed_by_a_timer() -> None:
    """W10, G17: its station was asked all day, and still says when it is ready."""
    counter = Counter()
    order = accepted(counter)
    for _ in range(DAY // 600):
        counter.sweep(after=600)
    seen = counter.seen(order.id)
    assert seen is not None
    assert seen.status is OrderStatus.IN_PROGRESS
    assert counter.logged.count("order.gave_up") == 0
    counter.report(order, sequence=2)
    counter.sweep(after=60)
    assert counter.is_settled(order)


def test_an_accepted_stations_order_goes_on_though_the_other_is_given_up() -> None:
    """W10: each station for itself."""
    counter = Counter()
    order = counter.order()
    counter.report(order, B, final=False)
    for _ in range(30):
        counter.sweep(after=60)
    assert counter.stored_report(order, K)["gave_up"]
    assert not counter.stored_report(order, B)["final"]
    assert not counter.is_settled(order)
    assert ids(late(counter)) == [order.id]


def test_late_orders_come_newest_first_page_by_page() -> None:
    counter = Counter()
    placed = []
    for _ in range(5):
        placed.append(counter.order().id)
        counter.later(1)
    counter.sweep()
    counter.later(OVER)
    found: list[str] = []
    cursor = None
    for _ in range(3):
        page = late(counter, cursor, 2)
        found += ids(page)
        cursor = page.next
    assert found == placed[::-1]
    assert cursor is None


def test_late_orders_can_be_filtered_by_status() -> None:
    counter = Counter()
    begun = accepted(counter)
    silent = counter.order()
    counter.sweep()
    counter.later(OVER)
    assert ids(late(counter, status="PLACED")) == [silent.id]
    assert ids(late(counter, status="IN_PROGRESS")) == [begun.id]


def test_a_sweep_tells_how_many_orders_are_late_and_logs_each() -> None:
    counter = Counter()
    order = accepted(counter)
    assert run(counter.workflow.sweep()) == 0
    counter.later(OVER)
    assert run(counter.workflow.sweep()) == 1
    assert counter.logged.count("order.late") == 1
    counter.report(order, sequence=2)
    counter.sweep(after=60)
    assert run(counter.workflow.sweep()) == 0
