"""spin.toml, read: which component serves which route, and who may call it."""

import tomllib
from dataclasses import dataclass
from typing import Any

from scripts.base.checkout import CHECKOUT

SPIN_TOML = CHECKOUT / "spin.toml"

CATCH_ALL = "/..."
"""Leads to the API that tells of every other path that nothing is there. On one port the sidecars
of all four ask it for /dapr/subscribe and /dapr/config, to which they need a 404."""

NOT_PUBLIC = ("/dapr_subscribe_", "/job/", "/healthz/")
"""How the paths of events, jobs and health begin: for sidecars and for Kubernetes alone."""


@dataclass(frozen=True)
class Route:
    """`path` in Spin's notation: `:name` is one segment, `/...` at the end is any number."""

    path: str
    component: str

    @property
    def is_public(self) -> bool:
        return not self.path.startswith(NOT_PUBLIC)


def load() -> dict[str, Any]:
    return tomllib.loads(SPIN_TOML.read_text())


def routes() -> list[Route]:
    """In the order of spin.toml, without the one that leads to nothing."""
    triggers = load()["trigger"]["http"]
    return [Route(t["route"], t["component"]) for t in triggers if t["route"] != CATCH_ALL]
