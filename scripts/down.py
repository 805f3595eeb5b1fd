"""`make down`: stop the stack. Its data stays."""

from scripts import cache
from scripts.cache import say
from scripts.supervise import Stack


def main() -> None:
    stack = Stack.default()
    if not stack.is_up():
        say("The stack is not up.")
        return
    stack.down()
    say("Down.")


if __name__ == "__main__":
    cache.main(main)
