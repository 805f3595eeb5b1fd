"""`make status`: each process, and which ones died. Exit code 1 if one is not well."""

import re

from scripts import cache
from scripts.supervise import Stack

_DEATH = re.compile(r"(\S+ \S+),\d+ \w+ (?:exited: (\S+) \((.+); not expected\)|gave up: (\S+) .*)")


def deaths(log: str) -> list[str]:
    """What supervisord's log tells of processes that died, a line each."""
    found = []
    for line in log.splitlines():
        if match := _DEATH.match(line):
            moment, name, how, gave_up = match.groups()
            found.append(
                f"{moment} {gave_up} does not stay up: given up"
                if gave_up
                else f"{moment} {name} died ({how}) and is started again"
            )
    return found


def main() -> int:
    stack = Stack.default()
    if not stack.is_up():
        print("The stack is not up: `make up` starts it.")
        return 1
    states = stack.states()
    for state in states:
        print(f"{state['name']:18}{state['statename']:10}{state['description']}")
    for line in deaths(stack.events.read_text())[-20:]:
        print(line)
    return 0 if all(state["statename"] == "RUNNING" for state in states) else 1


if __name__ == "__main__":
    cache.main(main)
