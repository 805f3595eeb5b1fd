"""An event as the broker gets it: a CloudEvent 1.0 of ours.

Left to the sidecar, its type would be Dapr's own, and it would have no subject and no schema.
"""

from coffeeshop.contracts import StationAnswered, StationOrdered

Event = StationOrdered | StationAnswered
MEDIA_TYPE = "application/cloudevents+json"
TYPE = "coffeeshop."
"""Begins the type of each; the rest is its topic, without the station."""

_EVENT = (
    b'{"specversion":"1.0","id":"%s","source":"%s","type":"%s","subject":"%s","dataschema":"%s",'
    b'"datacontenttype":"application/json",%s"data":%s}'
)


def schema_of(event: type[Event]) -> str:
    """The name of the event's schema, which docs/api.md's AsyncAPI document has."""
    return f"urn:coffeeshop:{event.__name__}:{event.model_fields['version'].default}"


_SCHEMAS = {event: schema_of(event) for event in (StationOrdered, StationAnswered)}


def enveloped(topic: str, event_id: str, event: Event, baggage: str = "") -> bytes:
    """The event in its envelope. Nothing that is put in needs to be escaped: ids, topics and
    stations are letters, digits, hyphens and dots, and baggage has neither quotes nor backslashes.
    Its `time` and its trace are the sidecar's to add."""
    source = event.station if isinstance(event, StationAnswered) else "counter"
    parts = (
        event_id,
        f"{source}-api",
        f"{TYPE}{topic.partition('_')[2]}",
        event.orderId,
        _SCHEMAS[type(event)],
        f'"baggage":"{baggage}",' if baggage else "",
    )
    return _EVENT % (*(part.encode() for part in parts), event.to_json())
