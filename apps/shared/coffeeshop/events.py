"""Events as the sidecar delivers them, and what may be answered."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from coffeeshop.contracts import CloudEvent
from coffeeshop.http import Problem, Request, Response, unavailable
from coffeeshop.logs import Log

Event = TypeVar("Event", bound=BaseModel)

VERSION = 1


async def delivered(request: Request, event: type[Event], log: Log) -> Event | None:
    """The event in the delivery, or None if it is not one: drop it, then it is dead-lettered.

    Raises `Problem` 503 for a version that is newer than ours: a consumer that knows it is
    being rolled out, and will get it.
    """
    try:
        data = (await request.json(CloudEvent)).data
        version = data.get("version")
        if isinstance(version, int) and version > VERSION:
            log("event.unknown_version", level="warning", path=request.path, version=version)
            raise unavailable(f"Version {version} is not known here.")
        return event.model_validate(data)
    except ValidationError as error:
        cause = str(error.errors(include_input=False, include_url=False)[:3])
    except Problem as problem:
        if problem.status == 503:
            raise
        cause = problem.detail
    log("event.malformed", level="error", path=request.path, cause=cause)
    return None


def dropped() -> Response:
    """Have the sidecar dead-letter the event at once."""
    return Response(200, b'{"status":"DROP"}')
