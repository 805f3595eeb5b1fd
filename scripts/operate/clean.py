"""`make clean`: remove the stack's data and logs, and what was built."""

import shutil

from scripts.base import console
from scripts.base.console import Failure, say
from scripts.build import wasm
from scripts.stack import orphans
from scripts.stack.supervise import Stack


def main() -> None:
    stack = Stack.default()
    if stack.is_up() or orphans.find(stack.layout):
        raise Failure("the stack is up: `make down` first.")
    for folder in (stack.layout.home, wasm.BUILD):
        shutil.rmtree(folder, ignore_errors=True)
    say("Removed data, logs and builds. What was downloaded stays in the cache.")


if __name__ == "__main__":
    console.main(main)
