"""`python -m tests.bench.peer API PORT`: serve one API. Its settings are environment variables."""

import sys

from tests.bench.peer import serving
from tests.bench.peer.apis import build
from tests.bench.peer.transport import AiohttpTransport


def main() -> None:
    api, port = sys.argv[1:]
    settings = serving.settings()
    transport = AiohttpTransport(settings.sidecar)
    router = build(api, serving.environment(settings, transport))
    serving.serve(router, int(port), transport)


main()
