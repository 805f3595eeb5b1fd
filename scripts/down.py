"""`make down`: stop the stack. Its data stays."""

from scripts import cache, leftovers
from scripts.cache import say
from scripts.supervise import Stack


def main() -> None:
    stack = Stack.default()
    if not stack.is_up():
        left = leftovers.stop(stack.layout)
        names = ", ".join(left)
        say(f"supervisord was gone; stopped: {names}." if left else "The stack is not up.")
        return
    stack.down()
    say("Down.")


if __name__ == "__main__":
    cache.main(main)
