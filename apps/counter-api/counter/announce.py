"""Events to the stations: that an order was placed, or cancelled."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from coffeeshop.concurrency import gather_all
from coffeeshop.contracts import ItemToMake, Station, StationOrdered
from coffeeshop.sidecar import Sidecar
from coffeeshop.topics import Event, publish
from counter.documents import Order


class StationEvents:
    def __init__(self, sidecar: Sidecar, clock: Callable[[], datetime]) -> None:
        self._sidecar = sidecar
        self._clock = clock

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
    )
