"""The ordering workflow over a fake sidecar, with a clock that is set by hand."""

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

from coffeeshop.contracts import ItemStatus, PlaceOrder, Station, StationAnswered
from coffeeshop.environment import Environment
from coffeeshop.events import Delivered
from coffeeshop.logs import Trace
from coffeeshop.settings import Settings
from coffeeshop.sidecar import Sidecar
from coffeeshop.transport import Call, NoAnswer
from counter.documents import Order, OrderDocument
from counter.orders import Orders, report_key
from counter.outcomes import PlaceResult
from counter.view import OrderView
from counter.wire import order_request
from counter.workflow import Workflow
from example_orders import MENU_JSON, NOW, answer, command
from fake_sidecar import FakeSidecar

RECORDS: TypeAdapter[OrderDocument] = TypeAdapter(OrderDocument)
T = TypeVar("T")
STATE = "/v1.0/state/counter-store"


@dataclass
class Counter:
    """counter-api's workflow: `replica` makes another one over the same store and broker."""

    sidecar: FakeSidecar = field(default_factory=lambda: FakeSidecar(menu=MENU_JSON))
    now: datetime = NOW
    pos_token: str = ""
    logged: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        settings = Settings(id_secret="s", pos_token=self.pos_token)
        env = Environment(settings, self.sidecar, lambda: self.now, os.urandom, sleep)
        self.workflow = Workflow(env, lambda event, **_: self.logged.append(event))

    def replica(self) -> "Counter":
        return Counter(self.sidecar, self.now, self.pos_token)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # What is asked of it

    def place(self, what: PlaceOrder | None = None, key: str | None = "k") -> PlaceResult:
        return run(self.workflow.place(order_request(what or command([1], [7])), key))

    def order(self, barista: Sequence[int] = (1,), kitchen: Sequence[int] = (7,)) -> Order:
        """Place an order without a key."""
        return self.place(command([*barista], [*kitchen]), None).order.order

    def report(
        self,
        order: Order,
        *stations: Station,
        sequence: int = 1,
        final: bool = True,
        statuses: Mapping[str, ItemStatus] | None = None,
    ) -> None:
        """Reports of the stations, all of one delivery; without any, of all that it needs."""
        events = [
            answer(order, station, statuses, sequence=sequence, final=final)
            for station in stations or order.stations
        ]
        self.deliver(events)

    def deliver(self, events: Sequence[StationAnswered]) -> None:
        """Reports, all of one delivery."""
        run(self.workflow.record([Delivered(each, Trace(lambda _: None)) for each in events]))

    def cancel(self, order_id: str) -> OrderView:
        return run(self.workflow.cancel(order_id))

    def sweep(self, after: float = 10) -> None:
        """A sweep, so many seconds later."""
        self.later(after)
        run(self.workflow.sweep())

    # What is stored

    def seen(self, order_id: str) -> OrderView | None:
        """The order as the public sees it."""
        return run(Orders(Sidecar(self.sidecar, ""), lambda: self.now).find(order_id))

    def record(self, order_id: str) -> OrderDocument | None:
        document = self.sidecar.document(order_id)
        return None if document is None else RECORDS.validate_python(document)

    def stored_report(self, order: Order, station: Station) -> Any:
        return self.sidecar.document(report_key(order.id, station))

    def is_settled(self, order: Order) -> bool:
        record = self.record(order.id)
        return isinstance(record, Order) and record.settled is not None

    def open_entries(self) -> list[str]:
        """The ids of the entries that the sweep remembers."""
        watch = self.sidecar.document("watch") or {"open": []}
        return [entry["id"] for entry in watch["open"]]

    # What goes wrong

    def lose(self, *parts: str, answer: bool = False) -> None:
        """Lose calls whose method, target or body has one of the parts, or their answers alone.
        Without parts all goes well again."""

        def hook(call: Call) -> None:
            text = f"{call.method} {call.target} {call.body.decode()}"
            if any(part in text for part in parts):
                raise NoAnswer("lost")

        self.sidecar.before = self.sidecar.after = lambda _: None
        if answer:
            self.sidecar.after = hook
        else:
            self.sidecar.before = hook

    def kinds(self) -> list[str]:
        """The calls that were made, by what they are for."""
        return [_kind(call) for call in self.sidecar.calls]


def run(call: Coroutine[Any, Any, T]) -> T:
    """Run the call to its end, also in the middle of another one: a replica of its own."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, call).result()


def _kind(call: Call) -> str:
    path = call.target.partition("?")[0]
    if "/invoke/" in path:
        return "menu"
    if "/publish/" in path:
        return f"publish {path.rpartition('/')[2]}"
    if call.method == "GET" or path.endswith("/bulk"):
        return "read"
    key = call.body.partition(b'"key":"')[2].partition(b'"')[0].decode()
    kind, separator, _ = key.partition("-")
    known = ("all", "customer", "report", "cancel", "watch")
    return f"save {kind if kind in known or not separator else 'order'}"
