"""The events between the APIs: one table of topics, routes, models and handlers.

    topic                    its sidecar delivers it to              handled by
    barista_order_placed     /dapr_subscribe_BaristaOrdered          StationApi.make_orders
    barista_order_cancelled  /dapr_subscribe_BaristaOrderCancelled   StationApi.cancel_orders
    barista_order_updated    /dapr_subscribe_BaristaOrderUpdated     Counter.record_reports
    kitchen_order_placed     /dapr_subscribe_KitchenOrdered          StationApi.make_orders
    kitchen_order_cancelled  /dapr_subscribe_KitchenOrderCancelled   StationApi.cancel_orders
    kitchen_order_updated    /dapr_subscribe_KitchenOrderUpdated     Counter.record_reports

`EVENTS` below holds these lines as patterns, and topics and routes are taken from it. A station
that is added has the same topics and routes under its own name, except that its reports may come to
`/dapr_subscribe_OrderUpdated` as well, which takes any station's. tests/unit/test_topics.py
compares this table with the code and with the subscriptions in k8s/base/dapr.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from coffeeshop.cloudevents import enveloped
from coffeeshop.contracts import Station, StationAnswered, StationOrdered
from coffeeshop.logs import Trace, traceparent, tracing
from coffeeshop.sidecar import Sidecar

TYPE = "coffeeshop."
"""Begins the CloudEvent type of each event; the rest is its topic without the station."""


class OfOrder(Protocol):
    """What an event carries: a versioned document about one order."""

    @property
    def orderId(self) -> str: ...  # noqa: N802 - the wire's name

    def to_json(self) -> bytes: ...


Model = TypeVar("Model", bound=OfOrder)


@dataclass(frozen=True, slots=True)
class Event(Generic[Model]):
    """A kind of event. Each station has a topic of its own for it."""

    name: str
    model: type[Model]
    sender: str
    """The app id, or `station` for the station's own."""
    receiver: str
    handler: str
    """The method that handles it, as the table above has it."""
    meaning: str
    _route: str
    """What follows the station's name in the route."""

    def topic(self, station: str) -> str:
        return f"{station}_order_{self.name}"

    def route(self, station: str) -> str:
        """Where the receiver's sidecar delivers the topic."""
        return f"/dapr_subscribe_{station.capitalize()}{self._route}"

    def id(self, order_id: str, station: str, sequence: int = 1) -> str:
        """The event's id: the same in a repeat. What follows a first event of an order, the
        `sequence` tells apart."""
        later = f".{sequence}" if sequence > 1 else ""
        return f"{order_id}.{station}.{self.name}{later}"

    @property
    def schema(self) -> str:
        """The name of the model's schema, which the AsyncAPI document has."""
        version = self.model.model_fields["version"].default  # type: ignore[attr-defined]
        return f"urn:coffeeshop:{self.model.__name__}:{version}"

    def enveloped(
        self,
        station: str,
        document: Model,
        event_id: str,
        at: datetime,
        trace: Trace | None = None,
    ) -> bytes:
        """The event as the broker gets it, sent `at` this time, with the baggage of the request
        being handled, or with all of another `trace`. Ids and stations hold nothing that would have
        to be escaped."""
        return enveloped(
            document.to_json(),
            event_id=event_id,
            source=f"{station}-api" if self.sender == STATION else self.sender,
            event_type=f"{TYPE}order_{self.name}",
            subject=document.orderId,
            schema=self.schema,
            at=at,
            context=_baggage(traceparent.get()) if trace is None else _whole(trace),
        )


COUNTER, STATION = "counter-api", "station"

PLACED = Event(
    "placed",
    StationOrdered,
    sender=COUNTER,
    receiver=STATION,
    handler="StationApi.make_orders",
    meaning="The items are wanted for `secondsLeft`",
    _route="Ordered",
)
CANCELLED = Event(
    "cancelled",
    StationOrdered,
    sender=COUNTER,
    receiver=STATION,
    handler="StationApi.cancel_orders",
    meaning="The items are not wanted any more",
    _route="OrderCancelled",
)
UPDATED = Event(
    "updated",
    StationAnswered,
    sender=STATION,
    receiver=COUNTER,
    handler="Counter.record_reports",
    meaning="The station's report on an order",
    _route="OrderUpdated",
)
EVENTS: tuple[Event[Any], ...] = (PLACED, CANCELLED, UPDATED)
UPDATED_ROUTES = tuple(UPDATED.route(name) for name in (Station.BARISTA, Station.KITCHEN, ""))
"""Where the counter takes reports; the last route, without a name, takes any station's."""


async def publish(
    sidecar: Sidecar,
    event: Event[Model],
    station: str,
    documents: Iterable[Model],
    at: datetime,
    traces: Mapping[str, Trace] | None = None,
) -> None:
    """Publish the documents on the station's topic, in one call. `at` is the time now. `traces`, by
    order id, are those of documents that belong to another trace than the request. Raises
    `ServiceUnavailable` if one of them is not confirmed: any of them may have been published. A
    repeat has the same ids."""
    topic, own = event.topic(station), traces or {}
    # Reports have a sequence; of the other events an order has one of each kind.
    by_id = {
        event.id(each.orderId, station, getattr(each, "sequence", 1)): each for each in documents
    }
    if len(by_id) == 1:
        # The sidecar makes the event's trace from the call's headers, but for the baggage.
        ((event_id, alone),) = by_id.items()
        with tracing(own.get(alone.orderId, traceparent.get())):
            events = {event_id: event.enveloped(station, alone, event_id, at)}
            await sidecar.publish_many(topic, events)
    else:
        events = {
            event_id: event.enveloped(station, each, event_id, at, own.get(each.orderId))
            for event_id, each in by_id.items()
        }
        await sidecar.publish_many(topic, events)


def _baggage(trace: Trace) -> tuple[tuple[str, str], ...]:
    return tuple(header for header in trace.headers() if header[0] == "baggage")


def _whole(trace: Trace) -> tuple[tuple[str, str], ...]:
    """With a `traceid` the sidecar keeps the trace as it is (read in components-contrib,
    pubsub/envelope.go)."""
    parent = (("traceid", trace()),) if trace() else ()
    return (*parent, *trace.headers())
