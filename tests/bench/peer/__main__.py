"""`python -m tests.bench.peer API PORT`: serve one API. Its settings are environment variables."""

import asyncio
import os
import sys
from datetime import UTC, datetime

import uvicorn

from coffeeshop.environment import Environment
from coffeeshop.settings import NAMES, Settings
from tests.bench.peer.apis import build
from tests.bench.peer.application import application
from tests.bench.peer.transport import AiohttpTransport


def main() -> None:
    api, port = sys.argv[1:]
    given = {name: os.environ.get(f"COFFEESHOP_{name.upper()}") for name in NAMES}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    transport = AiohttpTransport(settings.sidecar)
    router = build(
        api,
        Environment(
            settings=settings,
            transport=transport,
            clock=lambda: datetime.now(UTC),
            entropy=os.urandom,
            sleep=asyncio.sleep,
        ),
    )
    uvicorn.run(
        application(router, transport),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        # A stream lasts a minute; who stops the stack does not wait for it.
        timeout_graceful_shutdown=2,
    )


main()
