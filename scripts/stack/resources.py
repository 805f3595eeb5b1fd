"""What the repository's own files say of the APIs: spin.toml lists them, the Dapr resources say
what each is connected to. Scripts and tests read it there: a new station stands in one place."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.base.checkout import CHECKOUT

DAPR = CHECKOUT / "k8s" / "base" / "dapr"


STATION = "station-api"
"""The program that every station runs."""


def apis() -> tuple[str, ...]:
    """The APIs' short names, in the order of spin.toml: their ports follow from it."""
    return tuple(_programs())


def program(api: str) -> str:
    """What an API runs: the name of its folder in apps/ and of its component's file."""
    return _programs()[api]


def programs() -> tuple[str, ...]:
    """Each program once."""
    return tuple(dict.fromkeys(_programs().values()))


def stations() -> tuple[str, ...]:
    """The stations' names: the APIs that run `STATION`."""
    return tuple(api for api, program in _programs().items() if program == STATION)


def _programs() -> dict[str, str]:
    components = tomllib.loads((CHECKOUT / "spin.toml").read_text())["component"]
    return {name.removesuffix("-api"): Path(c["source"]).stem for name, c in components.items()}


@dataclass(frozen=True)
class Subscription:
    """`app` is the app id."""

    app: str
    topic: str
    route: str


def subscriptions() -> list[Subscription]:
    """Every declared subscription."""
    return [
        Subscription(app, spec["topic"], spec["routes"]["default"])
        for document in _documents("subscription-*.yaml")
        for spec in [document["spec"]]
        for app in document["scopes"]
    ]


def topics() -> tuple[str, ...]:
    """The topics of events, without those of dead letters."""
    found = {each.topic for each in subscriptions() if not each.topic.endswith("_dead")}
    return tuple(sorted(found))


def stores() -> tuple[str, ...]:
    """The state stores, sorted as their APIs are."""
    found = {document["metadata"]["name"] for document in _documents("*-store.yaml")}
    return tuple(store for api in apis() if (store := f"{api}-store") in found)


def _documents(pattern: str) -> list[Any]:
    return [_read(path) for path in sorted(DAPR.glob(pattern))]


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())
