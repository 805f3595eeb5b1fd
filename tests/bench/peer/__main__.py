"""`python -m tests.bench.peer API PORT`: serve one API. Its settings are environment variables."""

import sys

from scripts.describe import guests
from tests.bench.peer import serving
from tests.bench.peer.transport import AiohttpTransport


def main() -> None:
    api, port = sys.argv[1:]
    settings = serving.settings()
    transport = AiohttpTransport(settings.sidecar)
    router = guests.api(api).build(serving.environment(settings, transport))
    serving.serve(router, int(port), transport)


main()
