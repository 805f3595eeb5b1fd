"""How every API is built and started: its own routes, and what all APIs have."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from coffeeshop.callers import Callers
from coffeeshop.clocks import ClockWatch, Differences
from coffeeshop.environment import Environment
from coffeeshop.files import File
from coffeeshop.http import Failures, Request, Response, Route, Router, health
from coffeeshop.logs import Log, logger
from coffeeshop.operation import DESCRIPTION
from coffeeshop.responses import service_unavailable
from coffeeshop.settings import ALWAYS_NEEDED, Settings
from coffeeshop.transport import ServiceUnavailable

Answering = Callable[[Request], Awaitable[Response]]

FAILURES: Failures = {
    ServiceUnavailable: service_unavailable("The shop cannot answer now. Repeat the request.")
}
"""What an API answers where something that it depends on does not."""


@cache
def _file(content: bytes) -> File:
    """Made once: a file makes a digest of its content."""
    return File(content, operation=DESCRIPTION)


@dataclass(frozen=True, slots=True)
class Context:
    """What an API's routes are made of."""

    env: Environment
    log: Log
    callers: Callers
    name: str
    """The API's short name, such as `counter`."""


@dataclass(frozen=True, slots=True)
class Api:
    """An API, before it has an environment.

    A module `api.py` of each program has one, called `API`. `app.py` hands it to the guest's
    adapter, and `scripts.describe.guests` to everything that runs natively.
    """

    name: str
    """Its app id, in which `{station}` stands for that setting."""
    routes: Callable[[Context], Sequence[Route]]
    """Its own, without those that every API has."""
    description: Callable[[str], bytes]
    """Its OpenAPI document, by the short name under which it runs."""
    needed: tuple[str, ...] = ALWAYS_NEEDED
    """The settings that it cannot be without."""
    failures: Failures = field(default_factory=dict)
    """What its handlers' exceptions are answered, beside those of every API."""

    def app_id(self, settings: Settings) -> str:
        return self.name.format(station=settings.station or "station")

    def build(self, env: Environment) -> Router:
        app_id = self.app_id(env.settings)
        log, name = logger(app_id, env.clock), app_id.removesuffix("-api")
        description = _file(self.description(name))
        routes = [
            *self.routes(Context(env, log, Callers(env.settings, log), name)),
            Route("GET", f"/healthz/{name}", health),
            Route("GET", "/openapi.json", description),
            Route("GET", f"/openapi/{name}.json", description, is_described=False),
        ]
        return Router(routes, {**FAILURES, **self.failures}, log)

    def start(self, env: Environment) -> Answering:
        """The API as `build` makes it, with an eye on the clocks of those that it calls.

        With a wrong setting it answers 503 to everything, its health included: a cluster does not
        call it ready, and events are repeated. Each wrong setting is a line of the log.
        """
        wrong = env.settings.invalid(self.needed)
        app_id = self.app_id(env.settings)
        log = logger(app_id, env.clock)
        if not wrong:
            watch = ClockWatch(env.transport, env.clock, Differences(log))
            return self.build(replace(env, transport=watch))
        for each in wrong:
            log("setting.invalid", level="error", setting=each.name, expected=each.expected)
        detail = f"{app_id} is not set up: {'; '.join(map(str, wrong))}."

        async def refuse(_request: Request) -> Response:
            return service_unavailable(detail).response()

        return refuse
