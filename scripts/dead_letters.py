"""`make dead-letters`: what the broker holds that no handler took; replay it or discard it.

    python -m scripts.dead_letters list
    python -m scripts.dead_letters replay  ID… | --all
    python -m scripts.dead_letters discard ID… | --all

Replaying puts the event on its topic again and takes it off the dead letters. That is safe: an
order's state and a station's record decide what a repeated event does (docs/guarantees.md, G12).
What has expired is refused: the station would only say that it came too late.

By default on the stack of this checkout. Elsewhere: `--broker HOST:PORT`, its password in
`$VALKEY_PASSWORD`, and counter-api's address in `--counter`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import valkey

from scripts import cache, resources, tokens
from scripts.cache import Failure
from scripts.supervise import Stack

TOPICS = resources.topics()


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
        answer = httpx.get(f"{counter}/v1/api/orders/{order_id}", headers=headers, timeout=5)
    except (httpx.TransportError, httpx.InvalidURL):
        return "not known: counter-api does not answer"
    if answer.status_code == 404:
        return "not there"
    return str(answer.json()["status"]) if answer.is_success else f"not told ({answer.status_code})"


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    parser = argparse.ArgumentParser(prog="dead_letters")
    parser.add_argument("do", choices=("list", "replay", "discard"), nargs="?", default="list")
    parser.add_argument("id", nargs="*")
    parser.add_argument("--all", action="store_true", help="every one (replay: not the expired)")
    parser.add_argument("--broker", help="HOST:PORT of the broker; its password: $VALKEY_PASSWORD")
    parser.add_argument("--counter", help="the address of counter-api")
    chosen = parser.parse_args(arguments)
    stack = Stack.default()
    host, _, port = (chosen.broker or f"127.0.0.1:{stack.ports.valkey}").partition(":")
    password = os.environ.get("VALKEY_PASSWORD")
    if chosen.broker is None:
        if not stack.is_up():
            raise Failure("the stack is not up: `make up` starts it, --broker names another.")
        password = tokens.load(stack.layout.secrets, stack.ports.valkey)["valkey_password"]
    letters = DeadLetters(
        valkey.Valkey(host, int(port or 6379), password=password, decode_responses=True)
    )
    counter = chosen.counter or f"http://127.0.0.1:{stack.ports.app('counter')}"
    try:
        _do(chosen.do, letters, chosen.id, chosen.all, counter)
    except valkey.ValkeyError as error:
        raise Failure(f"the broker at {host}:{port} does not answer: {error}") from None


def _do(do: str, letters: DeadLetters, ids: Sequence[str], every: bool, counter: str) -> None:
    now = datetime.now(UTC)
    if do == "list":
        lines = [describe(letter, counter, now) for letter in letters]
        print("\n".join(lines) or "There are no dead letters.")
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


if __name__ == "__main__":
    cache.main(main)
