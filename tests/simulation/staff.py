"""A station where people work, as a double: it accepts an order, and finishes it later.

The stations of apps/ decide at once. This one reports what is not final too, so that the counter's
rules for such reports (W5, W7, W8, W11, W13) are simulated.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from coffeeshop.api import Api, Context
from coffeeshop.contracts import ItemStatus, MadeItem, Station, StationAnswered, StationOrdered
from coffeeshop.environment import Environment
from coffeeshop.events import Delivered, deliver
from coffeeshop.http import Request, Response, Route
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store, Stored
from coffeeshop.topics import CANCELLED, PLACED, UPDATED
from coffeeshop.transport import ServiceUnavailable
from station.lateness import too_late

_TICKETS = TypeAdapter(StationAnswered)


class Staffed:
    def __init__(self, station: Station, env: Environment, log: Log) -> None:
        self._station = station
        self._env = env
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)
        self._tickets = Store(self._sidecar, f"{station}-store", _TICKETS)

    async def accept(self, request: Request) -> Response:
        return await deliver(request, StationOrdered, self._accept, self._log)

    async def cancel(self, request: Request) -> Response:
        return await deliver(request, StationOrdered, self._cancel, self._log)

    async def _accept(self, orders: Sequence[Delivered[StationOrdered]]) -> None:
        for each in orders:
            order = each.event
            known = await self._tickets.get(f"order-{order.orderId}")
            if known is not None:
                await self._report(known.value)
                continue
            late = await too_late(self._sidecar, {"": each}, self._env.clock(), self._log)
            if late:
                status = ItemStatus.FAILED if late[""] else ItemStatus.QUEUED
                await self._create(order, status, final=late[""])

    async def _cancel(self, orders: Sequence[Delivered[StationOrdered]]) -> None:
        for order in (each.event for each in orders):
            known = await self._tickets.get(f"order-{order.orderId}")
            if known is None:
                await self._create(order, ItemStatus.CANCELLED, final=True)
            elif _status(known) is ItemStatus.QUEUED:
                await self._change(known, ItemStatus.CANCELLED, final=True)
            else:
                await self._report(known.value)

    async def _create(self, order: StationOrdered, status: ItemStatus, *, final: bool) -> None:
        ticket = StationAnswered(
            orderId=order.orderId,
            station=self._station,
            final=final,
            items=tuple(
                MadeItem(
                    id=item.id,
                    itemType=item.itemType,
                    name=item.name,
                    status=status,
                    reason="too late" if status is ItemStatus.FAILED else None,
                    makeId=None,
                )
                for item in order.items
            ),
            answeredAt=self._env.clock(),
        )
        stored = await self._tickets.create(f"order-{order.orderId}", ticket)
        await self._report(stored.value if stored else ticket)

    async def tap(self, request: Request) -> Response:
        """Staff start a ticket, or finish one that is started."""
        known = await self._tickets.get(f"order-{request.path_params['id']}")
        if known is None or known.value.final:
            return Response(204)
        if _status(known) is ItemStatus.QUEUED:
            await self._change(known, ItemStatus.STARTED, final=False)
        else:
            await self._change(known, ItemStatus.READY, final=True)
        return Response(204)

    async def _change(
        self, known: Stored[StationAnswered], status: ItemStatus, *, final: bool
    ) -> None:
        before = known.value
        items = tuple(
            item.model_copy(
                update={"status": status, "makeId": item.makeId or self._make_id(status)}
            )
            for item in before.items
        )
        after = before.model_copy(
            update={"items": items, "final": final, "sequence": before.sequence + 1}
        )
        if not await self._tickets.update(f"order-{before.orderId}", after, known.etag):
            raise ServiceUnavailable("Somebody else was faster.")
        if status is ItemStatus.STARTED:
            for item in items:
                self._log("item.made", orderId=after.orderId, item=item.name, makeId=item.makeId)
        await self._report(after)

    def _make_id(self, status: ItemStatus) -> str | None:
        return self._env.entropy(16).hex() if status is ItemStatus.STARTED else None

    async def _report(self, ticket: StationAnswered) -> None:
        event_id = f"{UPDATED.id(ticket.orderId, self._station)}.{ticket.sequence}"
        event = UPDATED.enveloped(self._station, ticket, event_id, self._env.clock())
        await self._sidecar.publish_many(UPDATED.topic(self._station), {event_id: event})


def _status(known: Stored[StationAnswered]) -> ItemStatus:
    return known.value.items[0].status


def routes(context: Context) -> list[Route]:
    name = Station(context.name)
    staffed = Staffed(name, context.env, context.log)
    sidecar = context.callers.sidecar
    return [
        Route("POST", PLACED.route(name), staffed.accept, sidecar),
        Route("POST", CANCELLED.route(name), staffed.cancel, sidecar),
        Route("POST", "/tap/{id}", staffed.tap),
    ]


API = Api("{station}-api", routes, lambda _: b"{}")
