"""The calls to the sidecars that an order takes, by the sidecars' own metrics.

Counted are orders that come one by one, until they are settled: with their events, their timers and
the sweeps, without what is called when nobody orders anything.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from scripts.base.console import say
from scripts.stack.runtime import APIS
from tests.bench import orders
from tests.bench.measures import Measure, at_most, figure
from tests.bench.stacks import IDLE_SECONDS, Bench, settle

PLACED = 60
PAUSE = 0.3
"""Seconds from an order to the next, in all stacks together: it has ended by then."""
CALLS = "sidecar calls of an order"
TARGET = at_most(14)
"""Of all APIs, where there is nothing to compare with."""

_COUNT = re.compile(r"^dapr_http_server_request_count{.*} (.+)$", re.MULTILINE)
_BYTES = re.compile(r"^dapr_http_server_re(?:quest|sponse)_bytes_sum{.*} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Counted:
    """Calls by API, and the KB of their bodies both ways."""

    calls: Mapping[str, float]
    size: float

    @classmethod
    def of(cls, stack: Bench) -> "Counted":
        """Since the sidecars were started. Raises `httpx.HTTPError`."""
        texts = {api: _metrics(stack, api) for api in APIS}
        size = sum(sum(map(float, _BYTES.findall(text))) for text in texts.values()) / 1000
        calls = {api: sum(map(float, _COUNT.findall(text))) for api, text in texts.items()}
        return cls(calls, size)

    def __sub__(self, other: "Counted") -> "Counted":
        calls = {api: number - other.calls[api] for api, number in self.calls.items()}
        return Counted(calls, self.size - other.size)

    def __mul__(self, by: float) -> "Counted":
        return Counted({api: n * by for api, n in self.calls.items()}, self.size * by)


@dataclass
class Counting:
    """Calls of an order, by side."""

    stacks: Mapping[str, Bench]
    found: dict[str, Counted] = field(default_factory=dict)

    def run(self) -> None:
        """The stacks should hold some orders, all of them settled."""
        say("Counting calls when nobody orders …")
        before = self._now()
        time.sleep(IDLE_SECONDS)
        idle = {
            variant: (n - before[variant]) * (1 / IDLE_SECONDS)
            for variant, n in self._now().items()
        }
        say(f"Counting the calls of {PLACED} orders …")
        before, begin = self._now(), time.monotonic()
        for number in range(PLACED):
            for stack in self.stacks.values():
                orders.place(stack.url("counter"), number)
                time.sleep(PAUSE)
        settle(*self.stacks.values())
        elapsed = time.monotonic() - begin
        for variant, counted in self._now().items():
            caused = counted - before[variant] - idle[variant] * elapsed
            self.found[variant] = caused * (1 / PLACED)

    def _now(self) -> dict[str, Counted]:
        return {variant: Counted.of(stack) for variant, stack in self.stacks.items()}

    def measures(self) -> Iterator[Measure]:
        ours = self.found["ours"]
        others = [variant for variant in self.found if variant != "ours"]
        for other in others or [""]:
            theirs = self.found.get(other)
            for api, number in ours.calls.items():
                if number >= 0.05:  # product-api makes none
                    compared = theirs.calls[api] if theirs else None
                    yield _measure(f"{CALLS}, {api}-api", "", number, compared, other)
            all_ = sum(theirs.calls.values()) if theirs else None
            yield _measure(f"{CALLS}, all APIs", "", sum(ours.calls.values()), all_, other)
            size = theirs.size if theirs else None
            yield _measure("bodies of these calls, both ways", "KB", ours.size, size, other)


def _measure(name: str, unit: str, ours: float, theirs: float | None, other: str) -> Measure:
    compared = None if theirs is None else figure(theirs)
    target = TARGET if theirs is None and name.endswith("all APIs") else None
    return Measure(name, unit, figure(ours), compared, other, target)


def _metrics(stack: Bench, api: str) -> str:
    return httpx.get(f"http://127.0.0.1:{stack.ports.metrics(api)}/metrics").raise_for_status().text
