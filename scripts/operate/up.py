"""`make up`: the stack in the background. Returns when an order could be taken."""

from scripts.base import console
from scripts.base.console import say
from scripts.stack.supervise import Stack


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
    console.main(main)
