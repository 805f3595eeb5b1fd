"""`make up`: the stack in the background. Returns when an order could be taken."""

from scripts import cache
from scripts.cache import say
from scripts.supervise import Stack


def main() -> None:
    stack = Stack.default()
    stack.up()
    say(f"Up. Orders go to http://127.0.0.1:{stack.ports.app('counter')}/v1/api/orders")
    say(f"The page is at http://127.0.0.1:{stack.ports.app('counter')}/")
    if stack.traces_url:
        say(f"Traces are at {stack.traces_url}")
    say("`make status` tells how it is, `make down` stops it; its data stays.")


if __name__ == "__main__":
    cache.main(main)
