"""`make up`: the stack in the background. Returns when an order could be taken."""

from scripts import cache
from scripts.cache import say
from scripts.supervise import Stack


def main() -> None:
    stack = Stack.default()
    stack.up()
    url = stack.ports.url("counter")
    say(f"Up. Orders go to {url}/v1/api/orders")
    say(f"The page is at {url}/")
    for url in stack.ports.urls_for_others():
        say(f"Others find it at {url}/ and are asked for the token.")
    if stack.traces_url:
        say(f"Traces are at {stack.traces_url}")
    say("`make status` tells how it is, `make down` stops it; its data stays.")


if __name__ == "__main__":
    cache.main(main)
