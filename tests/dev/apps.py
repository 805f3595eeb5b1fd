"""The APIs in this process, each between its callers and its simulated sidecar."""

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from coffeeshop.environment import Environment
from coffeeshop.headers import Headers
from coffeeshop.http import Request, Response, Router, TooLarge
from coffeeshop.settings import Settings
from coffeeshop.transport import Call, NoAnswer, Reply
from scripts.describe import guests
from scripts.stack.resources import DAPR, apis, stations
from scripts.stack.runtime import OPTIONAL
from tests.dapr.configuration import read_configuration
from tests.dapr.services import BackingServices
from tests.dapr.sidecar import APP_TOKEN, Sidecar
from tests.dapr.world import Backend, Calm


class NativeApp:
    """An API as its sidecar reaches it, and as its transport the way to that."""

    sidecar: Backend

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = f"{name}-api"
        env = Environment(
            settings=settings,
            transport=self,
            clock=self.clock,
            entropy=os.urandom,
            sleep=asyncio.sleep,
        )
        self.router: Router = guests.api(name).build(env)
        self._asked: set[asyncio.Task[None]] = set()

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        answer: Callable[[Response | None], None],
    ) -> None:
        async def read(limit: int) -> bytes:
            if len(body) > limit:
                raise TooLarge
            return body

        async def asked() -> None:
            answer(await self.router(Request(method, target, Headers(headers), read)))

        task = asyncio.get_running_loop().create_task(asked())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def send(self, call: Call) -> Reply:
        replied: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()

        def answer(reply: Reply | None) -> None:
            if not replied.done():
                replied.set_result(reply)

        self.sidecar.handle(call, answer)
        try:
            reply = await asyncio.wait_for(replied, call.timeout)
        except TimeoutError:
            reply = None
        if reply is None:
            raise NoAnswer("the simulated sidecar")
        return reply


def start() -> dict[str, NativeApp]:
    """The four APIs with their sidecars, by short name. To be called on the event loop."""
    loop = asyncio.get_running_loop()

    def after(milliseconds: int, happens: Callable[[], None]) -> None:
        loop.call_later(milliseconds / 1000, happens)

    services = BackingServices(Calm(after), read_configuration(DAPR))
    started = {name: NativeApp(name, settings(name)) for name in apis()}
    for app in started.values():
        sidecar = Sidecar(services, app)
        if app.name == "counter-api":
            sidecar.sweep_regularly()
    return started


def settings(name: str) -> Settings:
    """Of an API: what the environment says of those that people may set."""
    given: dict[str, Any] = {
        name: value
        for name in OPTIONAL
        if (value := os.environ.get(f"COFFEESHOP_{name.upper()}")) is not None
    }
    station = name if name in stations() else ""
    return Settings(app_token=APP_TOKEN, id_secret="development", station=station, **given)
