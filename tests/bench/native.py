"""The benchmark's peer as a runtime of the stack: `RUNTIME=tests.bench.native make up`.

The same supervisor, sidecars and settings as the components have; see `tests/bench/peer/`.
"""

import os
import sys
from collections.abc import Mapping

from scripts.cache import CHECKOUT
from scripts.runtime import Process, environment

PATHS = ("apps/shared", "apps/counter-api", "apps/product-api", "apps/station-api", "")


def processes(ports: Mapping[str, int], settings: Mapping[str, Mapping[str, str]]) -> list[Process]:
    """One uvicorn for each API."""
    paths = os.pathsep.join(str(CHECKOUT / path) for path in PATHS)
    return [
        Process(
            f"{api}-api",
            "components",
            (sys.executable, "-m", "tests.bench.peer", api, str(ports[api])),
            (ports[api],),
            env={"PYTHONPATH": paths, **environment(given)},
        )
        for api, given in settings.items()
    ]
