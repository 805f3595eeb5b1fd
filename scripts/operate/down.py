"""`make down`: stop the stack. Its data stays."""

from scripts.base import console
from scripts.base.console import say
from scripts.stack import orphans
from scripts.stack.supervise import Stack


def main() -> None:
    stack = Stack.default()
    if not stack.is_up():
        left = orphans.stop(stack.layout)
        names = ", ".join(left)
        said = f"supervisord did not answer; stopped: {names}."
        say(said if left else f"The stack{stack.ports.named} is not up.")
        return
    stack.down()
    say("Down.")


if __name__ == "__main__":
    console.main(main)
