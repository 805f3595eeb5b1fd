"""Events to the stations: that an order was placed, or cancelled."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from coffeeshop.concurrency import together
from coffeeshop.contracts import ItemToMake, Station, StationOrdered
from coffeeshop.logs import Log
from coffeeshop.sidecar import Sidecar
from coffeeshop.topics import Event, publish
from coffeeshop.transport import Unavailable
from counter.documents import Order


class Announcer:
    def __init__(self, sidecar: Sidecar, log: Log) -> None:
        self._sidecar = sidecar
        self._log = log

    async def submit(self, order: Order, event: Event[StationOrdered]) -> None:
        """Tell the order's stations. What is not confirmed the sweep publishes (W8)."""
        try:
            await self.tell(order, order.stations, event)
        except Unavailable as error:
            self._log("order.not_submitted", level="warning", orderId=order.id, cause=str(error))

    async def tell(
        self, order: Order, stations: Iterable[Station], event: Event[StationOrdered]
    ) -> None:
        """Publish the event of one order. Raises `Unavailable`."""
        await self.tell_many(((station, order) for station in stations), event)

    async def tell_many(
        self, orders: Iterable[tuple[Station, Order]], event: Event[StationOrdered]
    ) -> None:
        """Publish the event of each order to a station, in one call for each station. Raises
        `Unavailable` if one of the events is not confirmed."""
        told: dict[Station, list[StationOrdered]] = defaultdict(list)
        for station, order in orders:
            told[station].append(_ordered(order, station))
        await together(
            *(publish(self._sidecar, event, station, some) for station, some in told.items())
        )

    async def told(
        self, orders: Sequence[tuple[Station, Order]], event: Event[StationOrdered]
    ) -> bool:
        """Tell stations of orders, in a sweep. False if that is not confirmed."""
        try:
            await self.tell_many(orders, event)
        except Unavailable as error:
            self._log("sweep.incomplete", level="warning", cause=str(error))
            return False
        return True


def _ordered(order: Order, station: Station) -> StationOrdered:
    """What a station gets of an order, whether it was placed or cancelled."""
    return StationOrdered(
        orderId=order.id,
        expiresAt=order.expires_at,
        items=tuple(
            ItemToMake(id=item.id, itemType=item.item_type, name=item.name)
            for item in order.items_of(station)
        ),
        placedAt=order.placed_at,
        number=order.number,
        name=order.loyalty_member_id,
    )
