"""`python -m tests.bench.workflow_peer PORT`: serve counter-api, whose settings are environment
variables."""

import sys
from dataclasses import replace

from coffeeshop.api import FAILURES
from coffeeshop.environment import Environment
from coffeeshop.http import Router
from coffeeshop.logs import logger
from counter import api, handlers
from tests.bench.peer import serving
from tests.bench.peer.transport import AiohttpTransport
from tests.bench.workflow_peer.counter import DurableWorkflow
from tests.bench.workflow_peer.engine import Engine


def main() -> None:
    settings = serving.settings()
    transport = AiohttpTransport(settings.sidecar)
    env = serving.environment(settings, transport)
    engine = Engine(env)
    serving.serve(_router(env, engine), int(sys.argv[1]), transport, engine)


def _router(env: Environment, engine: Engine) -> Router:
    """counter-api's own routes; its handlers use the durable workflow."""
    log = logger("counter-api", env.clock)
    counter = handlers.Counter(DurableWorkflow(env, log, engine), env, log)
    routes = [
        replace(route, handler=getattr(counter, route.handler.__name__))
        if isinstance(getattr(route.handler, "__self__", None), handlers.Counter)
        else route
        for route in api.API.build(env).routes
    ]
    return Router(routes, {**FAILURES, **api.API.failures}, log)


main()
