"""Events to the stations: that an order was placed, or cancelled."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from coffeeshop.concurrency import gather_all
from coffeeshop.contracts import ItemToMake, Station, StationOrdered
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.topics import Event, publish
from coffeeshop.transport import ServiceUnavailable
from counter.documents import Order


class StationEvents:
    def __init__(self, sidecar: Sidecar, clock: Callable[[], datetime], log: Log) -> None:
        self._sidecar = sidecar
        self._clock = clock
        self._log = log

    async def submit(self, order: Order, event: Event[StationOrdered]) -> None:
        """Tell the order's stations. What is not confirmed the sweep publishes (W8)."""
        try:
            await self.tell(order, order.stations, event)
        except ServiceUnavailable as error:
            self._log("order.not_published", level="warning", orderId=order.id, cause=str(error))

    async def tell(
        self, order: Order, stations: Iterable[Station], event: Event[StationOrdered]
    ) -> None:
        """Publish the event of one order. Raises `ServiceUnavailable`."""
        await self.tell_many(((station, order) for station in stations), event)

    async def tell_many(
        self, orders: Iterable[tuple[Station, Order]], event: Event[StationOrdered]
    ) -> None:
        """Publish the event of each order to a station, in one call for each station. Raises
        `ServiceUnavailable` if one of the events is not confirmed."""
        now = self._clock()
        told: dict[Station, list[StationOrdered]] = defaultdict(list)
        for station, order in orders:
            told[station].append(_ordered(order, station, now))
        await gather_all(
            *(publish(self._sidecar, event, station, some, now) for station, some in told.items())
        )

    async def told(
        self, orders: Sequence[tuple[Station, Order]], event: Event[StationOrdered]
    ) -> bool:
        """Tell stations of orders, in a sweep. False if that is not confirmed."""
        try:
            await self.tell_many(orders, event)
        except ServiceUnavailable as error:
            self._log("sweep.incomplete", level="warning", cause=str(error))
            return False
        return True


def _ordered(order: Order, station: Station, now: datetime) -> StationOrdered:
    """What a station gets of an order, whether it was placed or cancelled."""
    return StationOrdered(
        orderId=order.id,
        expiresAt=order.expires_at,
        secondsLeft=(order.expires_at - now).total_seconds(),
        items=tuple(
            ItemToMake(id=item.id, itemType=item.item_type, name=item.name)
            for item in order.items_of(station)
        ),
        placedAt=order.placed_at,
        number=order.number,
        name=order.loyalty_member_id,
    )
