"""Becomes one process of a stack: `launch.py NAME`, as `processes.json` beside it describes it.

supervisord starts every process so. Commands and environments are in JSON, because its own format
cannot hold every text (a quote in a value, ` ;` in a path), and because it prints what it cannot
read. Uses the standard library alone, so that it starts in some 10 ms.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    name = sys.argv[1]
    process = json.loads(Path("processes.json").read_text())[name]
    os.chdir(process["cwd"])
    command = process["command"]
    os.execvpe(command[0], command, {**os.environ, **process["env"]})  # noqa: S606 - our own


if __name__ == "__main__":
    main()
