"""`make clean`: remove the stack's data and logs, and what was built."""

import shutil

from scripts import build, cache, leftovers
from scripts.cache import Failure, say
from scripts.supervise import Stack


def main() -> None:
    stack = Stack.default()
    if stack.is_up() or leftovers.find(stack.layout):
        raise Failure("the stack is up: `make down` first.")
    for folder in (stack.layout.home, build.BUILD):
        shutil.rmtree(folder, ignore_errors=True)
    say("Removed data, logs and builds. What was downloaded stays in the cache.")


if __name__ == "__main__":
    cache.main(main)
