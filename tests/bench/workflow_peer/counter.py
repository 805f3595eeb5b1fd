"""Placing an order and hearing of a station, where Dapr's engine sees an order through."""

from collections.abc import Sequence

from coffeeshop.concurrency import gather_all
from coffeeshop.contracts import StationAnswered, StationOrdered
from coffeeshop.environment import Environment
from coffeeshop.events import Delivered
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Stored
from coffeeshop.topics import PLACED, Event
from coffeeshop.transport import ServiceUnavailable
from counter.announce import StationEvents
from counter.documents import Order, OrderDocument
from counter.outcomes import OutcomeUnknown, PlaceResult
from counter.workflow import Workflow
from tests.bench.workflow_peer.engine import Engine


class _Cancellations(StationEvents):
    async def submit(self, order: Order, event: Event[StationOrdered]) -> None:
        """That it was placed an activity publishes."""
        if event is not PLACED:
            await super().submit(order, event)


class DurableWorkflow(Workflow):
    """The menu, the indexes, the order's key and a cancellation are the shop's own."""

    def __init__(self, env: Environment, log: Log, engine: Engine) -> None:
        super().__init__(env, log)
        self._engine = engine
        sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._stations = _Cancellations(sidecar, self._now, log)

    async def _create(self, order: Order) -> Stored[OrderDocument] | None:
        stored = await super()._create(order)
        if stored is None:
            await self._start(order)
        return stored

    async def _repeated(self, stored: Stored[OrderDocument], body_hash: str) -> PlaceResult:
        """The earlier request may have died before it scheduled the order's workflow."""
        placed = await super()._repeated(stored, body_hash)
        if not placed.order.is_terminal:
            await self._start(placed.order.order)
        return placed

    async def _start(self, order: Order) -> None:
        try:
            await self._engine.start(order)
        except ServiceUnavailable as error:
            raise OutcomeUnknown(order.id) from error

    async def record(self, events: Sequence[Delivered[StationAnswered]]) -> None:
        await gather_all(*(self._engine.hear(e.event) for e in events if e.event.final))
