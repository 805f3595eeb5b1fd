"""`make dead-letters`: what the broker holds that no handler took; replay it or discard it.

    python -m scripts.operate.dead_letters list
    python -m scripts.operate.dead_letters replay  ID… | --all
    python -m scripts.operate.dead_letters discard ID… | --all

Replaying puts the event on its topic again and takes it off the dead letters. That is safe: an
order's state and a station's record decide what a repeated event does (docs/guarantees.md, G12).
What has expired is refused: the station would only say that it came too late.

    python -m scripts.operate.dead_letters pending
    python -m scripts.operate.dead_letters drop    ID… | --all

Pending is what a sidecar was given and has not acknowledged: an event that is being handled, or one
that its sidecar cannot bear and dies of, again each time it is given to it. Dropping takes it out
of its topic, and `--all` only what is known to be of the second kind.

By default on the stack of this checkout. Elsewhere: `--broker HOST:PORT`, its password in
`$VALKEY_PASSWORD`, and counter-api's address in `--counter`.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import valkey

from scripts.base import console
from scripts.base.console import Failure
from scripts.stack import resources, tokens
from scripts.stack.supervise import Stack

TOPICS = resources.topics()
MOST = 1000
"""Entries of one group that are looked at."""


@dataclass(frozen=True)
class DeadLetter:
    """`id` is the broker's, of which the first part is milliseconds since 1970. `fields` are the
    entry as it is, `event` is what an API had published, whatever that is."""

    topic: str
    id: str
    fields: dict[str, str]
    event: Any

    @property
    def order_id(self) -> str | None:
        found = self.event.get("orderId") if isinstance(self.event, dict) else None
        return found if isinstance(found, str) else None

    @property
    def died_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)

    def has_expired(self, now: datetime) -> bool:
        """Whether the time is over in which its order could be made."""
        try:
            return now > datetime.fromisoformat(self.event["expiresAt"])
        except (KeyError, TypeError, ValueError):
            return False


class DeadLetters:
    """The dead letters of all topics on a broker."""

    def __init__(self, broker: "valkey.Valkey") -> None:
        self._broker = broker

    def __iter__(self) -> Iterator[DeadLetter]:
        for topic in TOPICS:
            entries: Any = self._broker.xrange(f"{topic}_dead")
            for entry_id, fields in entries:
                yield DeadLetter(topic, entry_id, fields, _event(fields))

    def find(self, ids: Sequence[str]) -> list[DeadLetter]:
        """Those with the ids. Raises `Failure` if one is not there."""
        found = {letter.id: letter for letter in self}
        if missing := [each for each in ids if each not in found]:
            raise Failure(f"there is no dead letter {missing[0]}: `make dead-letters` lists them.")
        return [found[each] for each in ids]

    def replay(self, letter: DeadLetter, now: datetime) -> None:
        """Put it on its topic again. Raises `Failure` for what has expired."""
        if letter.has_expired(now):
            raise Failure(f"{letter.id} has expired: it can only be discarded.")
        # Both or neither: an event is not lost between its two places.
        with self._broker.pipeline(transaction=True) as both:
            both.xadd(letter.topic, dict(letter.fields))
            both.xdel(f"{letter.topic}_dead", letter.id)
            both.execute()  # type: ignore[no-untyped-call] # valkey's own

    def discard(self, letter: DeadLetter) -> None:
        self._broker.xdel(f"{letter.topic}_dead", letter.id)


@dataclass(frozen=True)
class Pending:
    """An entry that a topic's consumers hold; `fields` is empty if the topic has it no more."""

    topic: str
    group: str
    id: str
    seconds: float
    """Since it was given to a consumer the last time."""
    deliveries: int
    fields: dict[str, str]

    def poison(self) -> str | None:
        """Why its sidecar dies of it; None for what one can bear (docs/operations.md)."""
        try:
            event = json.loads(self.fields["data"])
        except (KeyError, ValueError):
            return None  # dead-lettered by the sidecar
        if not isinstance(event, dict):
            return None
        for name in ("traceparent", "traceid"):
            if (value := event.get(name)) is not None:
                return None if isinstance(value, str) else f"its {name} is no text"
        return None


class PendingEntries:
    """What the consumers of all topics hold, those of dead letters too."""

    def __init__(self, broker: "valkey.Valkey") -> None:
        self._broker = broker

    def __iter__(self) -> Iterator[Pending]:
        for topic in (*TOPICS, *(f"{topic}_dead" for topic in TOPICS)):
            if not self._broker.exists(topic):
                continue
            groups: Any = self._broker.xinfo_groups(topic)
            for group in (each["name"] for each in groups):
                held: Any = self._broker.xpending_range(topic, group, "-", "+", MOST)
                for entry in held:
                    number = entry["message_id"]
                    found: Any = self._broker.xrange(topic, number, number)
                    yield Pending(
                        topic,
                        group,
                        number,
                        entry["time_since_delivered"] / 1000,
                        entry["times_delivered"],
                        found[0][1] if found else {},
                    )

    def find(self, ids: Sequence[str]) -> list[Pending]:
        """Those with the ids. Raises `Failure` if one is not there."""
        found = [entry for entry in self if entry.id in ids]
        if missing := set(ids) - {entry.id for entry in found}:
            raise Failure(f"nobody holds {min(missing)}: `make pending` lists what is held.")
        return found

    def drop(self, entry: Pending) -> None:
        # The acknowledgement first: what is only deleted is claimed, and logged, for ever.
        with self._broker.pipeline(transaction=True) as both:
            both.xack(entry.topic, entry.group, entry.id)
            both.xdel(entry.topic, entry.id)
            both.execute()  # type: ignore[no-untyped-call] # valkey's own


def describe_pending(entry: Pending) -> str:
    """A line for people: what it is, who holds it, and whether that one can bear it."""
    reason = entry.poison()
    state = f"its sidecar dies of it: {reason}" if reason else "is being handled"
    return (
        f"{entry.id:18} {entry.topic:22} held by {entry.group} for {entry.seconds:.0f} s, "
        f"given {entry.deliveries} times: {state}"
    )


def _event(fields: dict[str, str]) -> Any:
    try:
        return json.loads(fields["data"])["data"]
    except (KeyError, TypeError, ValueError):
        return None


def describe(letter: DeadLetter, counter: str, now: datetime) -> str:
    """A line for people: what it is, and how its order is by now."""
    if letter.order_id is None:
        state = "no event of ours"
    else:
        state = f"order {letter.order_id} is {_status(counter, letter.order_id)}"
    expired = ", expired" if letter.has_expired(now) else ""
    return f"{letter.id:18} {letter.died_at:%Y-%m-%d %H:%M:%S} {letter.topic:22} {state}{expired}"


def _status(counter: str, order_id: str) -> str:
    headers = {}
    if token := os.environ.get("COFFEESHOP_POS_TOKEN"):
        headers["authorization"] = f"Bearer {token}"
    try:
        answer = httpx.get(
            f"{counter}/v1/api/orders/{order_id}", headers=headers, timeout=5, trust_env=False
        )
    except (httpx.TransportError, httpx.InvalidURL):
        return "not known: counter-api does not answer"
    if answer.status_code == 404:
        return "not there"
    return str(answer.json()["status"]) if answer.is_success else f"not told ({answer.status_code})"


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    parser = argparse.ArgumentParser(prog="dead_letters")
    choices = ("list", "replay", "discard", "pending", "drop")
    parser.add_argument("do", choices=choices, nargs="?", default="list")
    parser.add_argument("id", nargs="*")
    parser.add_argument("--all", action="store_true", help="every one (replay: not the expired)")
    parser.add_argument("--broker", help="HOST:PORT of the broker; its password: $VALKEY_PASSWORD")
    parser.add_argument("--counter", help="the address of counter-api")
    chosen = parser.parse_args(arguments)
    stack = Stack.default()
    host, port = address(chosen.broker or f"127.0.0.1:{stack.ports.valkey}")
    password = os.environ.get("VALKEY_PASSWORD")
    if chosen.broker is None:
        if not stack.is_up():
            named = stack.ports.named
            raise Failure(
                f"the stack{named} is not up: `make up` starts it, --broker names another."
            )
        password = tokens.read(stack.layout.secrets)["valkey_password"]
    broker = valkey.Valkey(host, port, password=password, decode_responses=True)
    counter = chosen.counter or stack.ports.url("counter")
    where = f" at {chosen.broker}" if chosen.broker else stack.ports.named
    try:
        if chosen.do in ("pending", "drop"):
            _do_pending(chosen.do, PendingEntries(broker), chosen.id, chosen.all, where)
        else:
            _do(chosen.do, DeadLetters(broker), chosen.id, chosen.all, counter, where)
    except valkey.ValkeyError as error:
        raise Failure(f"the broker at {host}:{port} does not answer: {error}") from None


def address(text: str) -> tuple[str, int]:
    """Host and port. Raises `Failure`."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^\s:\[\]]+)(?::([0-9]{1,5}))?", text)
    if found is None or not 0 < int(found[2] or 6379) <= 65_535:
        raise Failure(f"--broker is {text[:60]!r}: it must be like HOST:PORT.")
    return found[1].strip("[]"), int(found[2] or 6379)


def _do(
    do: str, letters: DeadLetters, ids: Sequence[str], every: bool, counter: str, where: str
) -> None:
    now = datetime.now(UTC)
    if do == "list":
        lines = [describe(letter, counter, now) for letter in letters]
        print("\n".join(lines) or f"There are no dead letters{where}.")
        return
    if not ids and not every:
        raise Failure(f"say which to {do}: their ids, or --all.")
    for letter in letters.find(ids) if ids else list(letters):
        if do == "discard":
            letters.discard(letter)
        elif every and letter.has_expired(now):
            print(f"{letter.id} has expired: left where it is.")
            continue
        else:
            letters.replay(letter, now)
        print(f"{letter.id} of {letter.topic}: {do}ed")


def _do_pending(
    do: str, entries: PendingEntries, ids: Sequence[str], every: bool, where: str
) -> None:
    if do == "pending":
        print("\n".join(map(describe_pending, entries)) or f"Nobody holds an event{where}.")
        return
    if not ids and not every:
        raise Failure("say which to drop: their ids, or --all.")
    for entry in entries.find(ids) if ids else [each for each in entries if each.poison()]:
        entries.drop(entry)
        print(f"{entry.id} of {entry.topic}: dropped")


if __name__ == "__main__":
    console.main(main)
