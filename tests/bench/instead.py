"""Ours beside what a user would pick instead: Dapr Workflow (`tests/bench/workflow_peer/`)."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.ending import Ending
from tests.bench.fulfilment import Fulfilment
from tests.bench.measures import Measure, at_least, figure
from tests.bench.placing import COSTED, LOADED, Placing, stock
from tests.bench.stacks import Bench, memory, running, stacks

VARIANT = "workflow"


def measure() -> Iterator[Measure]:
    variants = ("ours", VARIANT)
    with tempfile.TemporaryDirectory() as home:
        up = dict(zip(variants, stacks(Path(home), variants), strict=True))
        with running(*up.values()):
            stock(*up.values())
            placing = Placing(up)
            placing.run((1, LOADED), rounds=3, seconds=4)
            placing.cost(rounds=3, seconds=4)
            ending = Ending(up)
            ending.run((COSTED, LOADED), rounds=3, seconds=6)
            whole = _memory(up)
            # Half of what the slower one can hold: neither has a queue.
            fulfilment = Fulfilment(
                up, min(ending.rate(variant, COSTED) for variant in variants) / 2
            )
            fulfilment.run(rounds=3, seconds=20)
    yield from placing.measures()
    yield from ending.measures({VARIANT: at_least(2)})
    yield from fulfilment.measures()
    yield whole


def _memory(up: Mapping[str, Bench]) -> Measure:
    """What processes cannot share: the sum counts nothing twice."""
    ours, theirs = (
        figure(sum(memory(each["pid"]).anonymous for each in up[variant].states()))
        for variant in ("ours", VARIANT)
    )
    return Measure("memory of all processes after it, anonymous", "MB", ours, theirs, VARIANT)
