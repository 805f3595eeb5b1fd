"""Dapr's HTTP API, as far as Coffeeshop uses it, over an injected transport: publishing and service
invocation here, state in `coffeeshop.store`.

A call that is not confirmed raises `ServiceUnavailable`: it may or may not have had its effect.
"""

from collections.abc import Mapping

from coffeeshop.cloudevents import MEDIA_TYPE
from coffeeshop.logs import traceparent
from coffeeshop.transport import TIMEOUT, Call, NoAnswer, Reply, ServiceUnavailable, Transport

PUBSUB = "pubsub"


class Sidecar:
    """`timeout` is in seconds, for each of its calls."""

    def __init__(self, transport: Transport, token: str, timeout: float = TIMEOUT) -> None:
        self._transport = transport
        self._token = token
        self._timeout = timeout

    async def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        extra: tuple[tuple[str, str], ...] = (),
        media_type: str = "application/json",
        wants_date: bool = False,
    ) -> Reply:
        """Any call to the sidecar. Raises `NoAnswer`."""
        headers = [("content-type", media_type)] if body else []
        headers += extra
        if self._token:
            headers.append(("dapr-api-token", self._token))
        headers += traceparent.get().headers()
        call = Call(method, target, tuple(headers), body, wants_date, self._timeout)
        return await self._transport.send(call)

    async def confirmed(
        self,
        what: str,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        accept: tuple[int, ...],
        media_type: str = "application/json",
    ) -> Reply:
        """A call whose answer must be one of the statuses. Raises `ServiceUnavailable`."""
        try:
            reply = await self.call(method, target, body, media_type=media_type)
        except NoAnswer as error:
            raise ServiceUnavailable(f"{what} did not answer.") from error
        if reply.status not in accept:
            raise ServiceUnavailable(f"{what} answered {reply.status}.")
        return reply

    async def publish_many(self, topic: str, events: Mapping[str, bytes]) -> None:
        """Publish CloudEvents to one topic in one call, by their ids. Raises `ServiceUnavailable`
        if one of them is not confirmed: any of them may have been published."""
        if not events:
            return
        if len(events) == 1:
            (body,) = events.values()
            path, media_type = "publish", MEDIA_TYPE
        else:
            body = b"[%s]" % b",".join(_entry(key, event) for key, event in events.items())
            path, media_type = "publish/bulk", "application/json"
        await self.confirmed(
            "The broker",
            "POST",
            f"/v1.0/{path}/{PUBSUB}/{topic}",
            body,
            accept=(200, 204),
            media_type=media_type,
        )

    async def invoke(
        self,
        app: str,
        target: str,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Reply:
        """Call another API. Raises `NoAnswer`."""
        return await self.call(method, f"/v1.0/invoke/{app}/method{target}", body, extra=headers)


def _entry(event_id: str, event: bytes) -> bytes:
    """An event of a bulk publish."""
    template = b'{"entryId":"%s","event":%s,"contentType":"%s"}'
    return template % (event_id.encode(), event, MEDIA_TYPE.encode())
