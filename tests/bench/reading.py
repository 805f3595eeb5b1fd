"""Questions: the menu, one order, a customer's orders, the board."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from counter.orders import STORE
from scripts.base.console import say
from tests.bench import baselines
from tests.bench.baselines import replay
from tests.bench.load import Target, attack
from tests.bench.measures import Measure, at_least, figure
from tests.bench.stacks import OFFSET, Bench, alternating, component

CONNECTIONS = 8
HELLO_PORT, BARE_PORT = OFFSET + 5_710, OFFSET + 5_711
ORDERS = 50
"""How many are asked for, one by one."""
MENU, ORDER = "menu read", "order read by id"
CUSTOMER, BOARD = "a customer's orders", "the board's listing"
LISTING = "/v1/api/fulfillment-orders"
TARGETS = {
    ("hello", MENU): at_least(0.9),
    ("peer", ORDER): at_least(0.7),
    ("before", ORDER): at_least(0.95),
    ("before", CUSTOMER): at_least(0.95),
    ("before", BOARD): at_least(0.95),
}
"""By the other side and the question."""


@dataclass
class Reading:
    """Answers a second by question and side, a value a round."""

    stacks: Mapping[str, Bench]
    found: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def run(
        self, questions: tuple[str, ...], rounds: int, seconds: float, *, baselines: bool = True
    ) -> None:
        """With `baselines` the menu and an order by id are compared with them as well."""
        targets = {
            (question, variant): _targets(question, stack)
            for question in questions
            for variant, stack in self.stacks.items()
        }
        with contextlib.ExitStack() as up:
            if baselines:
                targets |= up.enter_context(_baselines(questions, self.stacks["ours"]))
            for number in range(rounds):
                say(f"Reading, round {number + 1} …")
                for what in alternating(targets, number):
                    result = attack(targets[what], CONNECTIONS, seconds)
                    self.found.setdefault(what, []).append(result.per_second())

    def measures(self) -> Iterator[Measure]:
        for (question, other), theirs in self.found.items():
            if other == "ours":
                continue
            ours, goal = figure(self.found[question, "ours"]), TARGETS.get((other, question))
            yield Measure(question, "1/s", ours, figure(theirs), other, goal)


@contextlib.contextmanager
def _baselines(
    questions: tuple[str, ...], ours: Bench
) -> Iterator[dict[tuple[str, str], list[Target]]]:
    """The baselines of these questions, up."""
    with (
        component(baselines.component("hello"), HELLO_PORT, "/", {}),
        component(baselines.component("bare"), BARE_PORT, "/healthz", _one_read(ours)),
    ):
        found = {
            (MENU, "hello"): [Target("GET", f"http://127.0.0.1:{HELLO_PORT}/")],
            (ORDER, "bare guest"): [Target("GET", f"http://127.0.0.1:{BARE_PORT}/")],
        }
        yield {what: targets for what, targets in found.items() if what[0] in questions}


def _one_read(stack: Bench) -> dict[str, str]:
    """What has the bare guest read an order, always the same, and answer with as many bytes."""
    (target, *_) = _targets(ORDER, stack)
    answer = httpx.get(target.url).raise_for_status()
    call = ("GET", f"/v1.0/state/{STORE}/{answer.json()['id']}", "")
    return replay.environment([[call]], answer.content, stack)


def _targets(question: str, stack: Bench) -> list[Target]:
    counter = stack.url("counter")
    if question == MENU:
        return [Target("GET", f"{stack.url('product')}/v1-get-item-types")]
    if question == BOARD:
        return [Target("GET", counter + LISTING)]
    found = httpx.get(counter + LISTING, params={"limit": ORDERS}, timeout=40).json()["orders"]
    if question == ORDER:
        return [Target("GET", f"{counter}/v1/api/orders/{order['id']}") for order in found]
    customers = {order["loyaltyMemberId"] for order in found}
    return [Target("GET", f"{counter}/v1/api/orders?loyaltyMemberId={c}") for c in customers]
