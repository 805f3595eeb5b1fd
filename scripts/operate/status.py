"""`make status`: each process, which ones died, and what the orders' logs count of trouble.

Exit code 1 if a process is not well.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from scripts.base import console
from scripts.stack import orphans
from scripts.stack.supervise import Stack

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


TROUBLE = {
    "clock.differs": "times that clocks differed by more than five seconds",
    "event.malformed": "events that were none",
    "order.abandoned": "orders abandoned before they were saved",
    "order.gave_up": "orders given up at their deadline",
    "report.late": "reports that came after their order had ended",
}
"""Events of the log that are worth a look, each with what it means."""


def trouble(logs: Iterable[Path]) -> list[str]:
    """How often each has happened, as far as the logs reach; nothing for what has not."""
    counts: Counter[str] = Counter()
    for log in logs:
        text = log.read_text(errors="replace")
        counts.update({event: text.count(f'"event":"{event}"') for event in TROUBLE})
    return [f"{counts[event]} {what} ({event})" for event, what in TROUBLE.items() if counts[event]]


def main() -> int:
    stack = Stack.default()
    if not stack.is_up():
        left = orphans.find(stack.layout)
        for each in left:
            print(f"{each.name:18}{'LEFT':10}pid {each.process.pid}")
        if left:
            print("supervisord does not answer, and these serve on: `make down` stops them.")
        else:
            print(f"The stack{stack.ports.named} is not up: `make up` starts it.")
        return 1
    states = stack.states()
    for state in states:
        print(f"{state['name']:18}{state['statename']:10}{state['description']}")
    for line in deaths(stack.events.read_text())[-20:]:
        print(line)
    for line in trouble(stack.logs()):
        print(line)
    return 0 if all(state["statename"] == "RUNNING" for state in states) else 1


if __name__ == "__main__":
    console.main(main)
