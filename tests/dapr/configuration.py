"""What the resource files in k8s/base/dapr say."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Subscription:
    app: str
    component: str
    topic: str
    route: str
    dead_letter_topic: str | None
    at_once: int = 1
    """How many events come in one delivery at most: more than one is a bulk subscription."""
    await_for: int = 0
    """Milliseconds for which a delivery waits for more events."""


@dataclass(frozen=True)
class Configuration:
    """What the resource files say, times in milliseconds."""

    subscriptions: tuple[Subscription, ...]
    retries: int
    longest_interval: int
    delivery_timeout: int
    processing_timeout: int
    redeliver_interval: int
    sweep_every: int
    menu_timeout: int
    menu_retries: int
    menu_pause: int
    delivery_again: tuple[range, ...]
    """The statuses after which an event is delivered again."""
    menu_again: tuple[range, ...]
    """The statuses after which the menu is asked for again."""


def read_configuration(folder: Path) -> Configuration:
    files = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
    by_name = {file["metadata"]["name"]: file for file in files if "metadata" in file}
    policies = by_name["coffeeshop"]
    for file in files:
        if file.get("kind") == "Resiliency":
            policies = file["spec"]["policies"]
    pubsub = {m["name"]: m.get("value") for m in by_name["pubsub"]["spec"]["metadata"]}
    sweep = {m["name"]: m["value"] for m in by_name["sweep"]["spec"]["metadata"]}
    delivery, menu = policies["retries"]["delivery"], policies["retries"]["menu"]
    return Configuration(
        subscriptions=tuple(
            Subscription(
                app=file["scopes"][0],
                component=file["spec"]["pubsubname"],
                topic=file["spec"]["topic"],
                route=file["spec"]["routes"]["default"],
                dead_letter_topic=file["spec"].get("deadLetterTopic"),
                at_once=file["spec"].get("bulkSubscribe", {}).get("maxMessagesCount", 1),
                await_for=file["spec"].get("bulkSubscribe", {}).get("maxAwaitDurationMs", 0),
            )
            for file in files
            if file.get("kind") == "Subscription"
        ),
        retries=delivery["maxRetries"],
        longest_interval=_milliseconds(delivery["maxInterval"]),
        delivery_timeout=_milliseconds(policies["timeouts"]["delivery"]),
        processing_timeout=_milliseconds(pubsub["processingTimeout"]),
        redeliver_interval=int(pubsub["redeliverInterval"]),
        sweep_every=_milliseconds(sweep["schedule"].removeprefix("@every ")),
        menu_timeout=_milliseconds(policies["timeouts"]["menu"]),
        menu_retries=menu["maxRetries"],
        menu_pause=_milliseconds(menu["duration"]),
        delivery_again=_statuses(delivery["matching"]["httpStatusCodes"]),
        menu_again=_statuses(menu["matching"]["httpStatusCodes"]),
    )


def _statuses(text: str) -> tuple[range, ...]:
    """Dapr's notation: "500,502-504"."""
    ends = [part.partition("-") for part in text.split(",")]
    return tuple(range(int(low), int(high or low) + 1) for low, _, high in ends)


def _milliseconds(text: str) -> int:
    return int(text[:-2]) if text.endswith("ms") else int(text.removesuffix("s")) * 1000
