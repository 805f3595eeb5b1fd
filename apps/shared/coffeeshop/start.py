"""How an API starts: with settings that can be used, or with an answer that says they cannot."""

from collections.abc import Awaitable, Callable, Collection

from coffeeshop.environment import Environment
from coffeeshop.http import Request, Response, Router, unavailable
from coffeeshop.logs import logger

Answering = Callable[[Request], Awaitable[Response]]


def start(
    api: str, needed: Collection[str], build: Callable[[Environment], Router], env: Environment
) -> Answering:
    """The API, as `build` makes it. With a wrong setting it answers 503 to everything, its health
    included: a cluster does not call it ready, and events are repeated. Each wrong setting is a
    line of the log. `{station}` in the API's name stands for that setting."""
    api = api.format(station=env.settings.station or "station")
    wrong = env.settings.wrong(needed)
    if not wrong:
        return build(env)
    log = logger(api, env.clock)
    for each in wrong:
        log("setting.wrong", level="error", setting=each.name, expected=each.expected)
    detail = f"{api} is not set up: {'; '.join(map(str, wrong))}."

    async def refuse(_request: Request) -> Response:
        return unavailable(detail).response()

    return refuse
