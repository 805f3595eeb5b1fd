"""An event as the broker gets it: a CloudEvent 1.0 whose attributes are ours.

Left to the sidecar, its type would be Dapr's own, and it would have no subject and no schema.
"""

MEDIA_TYPE = "application/cloudevents+json"

_EVENT = (
    b'{"specversion":"1.0","id":"%s","source":"%s","type":"%s","subject":"%s","dataschema":"%s",'
    b'"datacontenttype":"application/json",%s"data":%s}'
)


def enveloped(
    data: bytes,
    *,
    event_id: str,
    source: str,
    event_type: str,
    subject: str,
    schema: str,
    baggage: str = "",
) -> bytes:
    """The JSON `data` in its envelope. No attribute is escaped: none may hold a quote, a backslash
    or a control character. The sidecar adds `time` and the trace."""
    attributes = (
        event_id,
        source,
        event_type,
        subject,
        schema,
        f'"baggage":"{baggage}",' if baggage else "",
    )
    return _EVENT % (*(attribute.encode() for attribute in attributes), data)
