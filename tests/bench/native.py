"""The benchmark's peer as a runtime of the stack: `RUNTIME=tests.bench.native make up`.

The same supervisor, sidecars and settings as the components have; see `tests/bench/peer/`.
"""

import os
import sys
from collections.abc import Mapping

from scripts import bootstrap
from scripts.stack.runtime import Process, environment


def processes(ports: Mapping[str, int], settings: Mapping[str, Mapping[str, str]]) -> list[Process]:
    """One uvicorn for each API."""
    paths = os.pathsep.join(map(str, bootstrap.paths()))
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
