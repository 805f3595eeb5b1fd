"""An event as the broker gets it: a CloudEvent 1.0 whose attributes are ours.

Left to the sidecar, its type would be Dapr's own, and it would have no subject and no schema.
"""

import json
from collections.abc import Iterable
from datetime import datetime

MEDIA_TYPE = "application/cloudevents+json"

_EVENT = (
    b'{"specversion":"1.0","id":"%s","source":"%s","type":"%s","subject":"%s","dataschema":"%s",'
    b'"time":"%s","datacontenttype":"application/json",%s"data":%s}'
)


def enveloped(
    data: bytes,
    *,
    event_id: str,
    source: str,
    event_type: str,
    subject: str,
    schema: str,
    at: datetime,
    context: Iterable[tuple[str, str]] = (),
) -> bytes:
    """The JSON `data` in its envelope, with the attributes of its trace context. The others are not
    escaped: none may hold a quote, a backslash or a control character. `at` is when it is sent, by
    our own clock: a sidecar would take its own, to the second. The sidecar adds the trace if there
    is no `traceid`."""
    attributes = (
        event_id,
        source,
        event_type,
        subject,
        schema,
        at.isoformat(timespec="milliseconds"),
        "".join(f'"{name}":{json.dumps(value)},' for name, value in context),
    )
    return _EVENT % (*(attribute.encode() for attribute in attributes), data)
