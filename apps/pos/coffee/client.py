"""The shop as its customers see it: counter-api over HTTP."""

import ipaddress
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]
ENDED = ("FULFILLED", "PARTIAL", "FAILED", "CANCELLED")
_STREAM = "text/event-stream"
_TOLERANCE = timedelta(seconds=5)
"""A `Date` has whole seconds, and comes late."""
_MAY_EXIST = "The order may have been placed: see `coffee mine` before you order again."


class Refused(Exception):
    """The shop does not accept the request as it is."""


class Unreachable(Exception):
    """The shop cannot be reached, or cannot answer now."""


class ConfigError(Exception):
    """A setting of the environment or an option cannot be used."""


def default_url() -> str:
    """`$COFFEESHOP_URL`, else counter-api on this machine, shifted by `$COFFEESHOP_PORT_OFFSET`.
    Raises `ConfigError`."""
    if url := os.environ.get("COFFEESHOP_URL"):
        return checked_url(url)
    offset = os.environ.get("COFFEESHOP_PORT_OFFSET") or "0"
    if not re.fullmatch(r"[0-9]{1,5}", offset) or 5002 + int(offset) > 65_535:
        raise ConfigError(f"COFFEESHOP_PORT_OFFSET is {offset[:40]!r}: it must be from 0 to 60533.")
    return f"http://127.0.0.1:{5002 + int(offset)}"


def checked_url(text: str) -> str:
    """The address, if it can be one of a shop. Raises `ConfigError`, which shows no password of
    it."""
    try:
        url = httpx.URL(text)
        has_port = url.port is None or 0 < url.port <= 65_535
        has_more = url.query or url.fragment
        if url.scheme in ("http", "https") and url.host and has_port and not has_more:
            return text
    except httpx.InvalidURL:
        pass
    raise ConfigError("--url and COFFEESHOP_URL must be like http://HOST:PORT.")


def is_here(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


POS_TOKEN, STAFF_TOKEN = "COFFEESHOP_POS_TOKEN", "COFFEESHOP_STAFF_TOKEN"
"""The environment variables that hold what the shop may want to be shown."""


def headers(variable: str = POS_TOKEN) -> dict[str, str]:
    """With the token of the environment variable, if the shop wants one. Raises `ConfigError`."""
    token = os.environ.get(variable) or ""
    if not token.isascii() or not token.isprintable() or token != token.strip():
        raise ConfigError(f"{variable} must be visible ASCII, without blanks at its ends.")
    return {"authorization": f"Bearer {token}"} if token else {}


def options(url: str, variable: str = POS_TOKEN) -> dict[str, Any]:
    """Of a client of the shop. One on this machine is not asked for through a proxy. Raises
    `ConfigError`."""
    return {
        "base_url": url,
        "headers": headers(variable),
        "timeout": 40,
        "trust_env": not is_here(url),
    }


def order_document(customer: str, items: Sequence[Json]) -> Json:
    """The command of a POS for these items of the menu."""
    return {
        "commandType": 0,
        "orderSource": 0,
        "location": 0,
        "loyaltyMemberId": customer,
        "items": [{"itemType": item["itemType"]} for item in items],
    }


_FIELDS = {"loyaltyMemberId": "--as"}
"""What a field of the interface is called on the command line."""


def explain(answer: httpx.Response) -> str:
    """What a problem document says, for people."""
    try:
        problem = answer.json()
        fields = [
            f"{_FIELDS.get(error['field'], error['field'])}: {error['message']}"
            for error in problem.get("errors", ())
        ]
        return "\n  ".join([problem.get("detail") or problem["title"], *fields])
    except (AttributeError, ValueError, KeyError, TypeError):
        return str(_no_shop(answer))


def _no_shop(answer: httpx.Response) -> Refused:
    status = answer.status_code
    return Refused(f"It answered {status}, and not as a shop does: is that its address?")


def _document(answer: httpx.Response, has: str, kind: type) -> Json:
    """The document, if its field `has` is of that kind. Raises `Refused` for what is none of a
    shop."""
    try:
        found = answer.json()
    except ValueError:
        raise _no_shop(answer) from None
    if not isinstance(found, dict) or not isinstance(found.get(has), kind):
        raise _no_shop(answer)
    return found


class ShopClient:
    """Calls that may be repeated are, for a few seconds. Raises `Refused` and `Unreachable`."""

    PATIENCE = 6.0
    TOKEN = POS_TOKEN

    def __init__(self, url: str) -> None:
        self.url = url
        self._ahead = timedelta(0)
        given = options(url, self.TOKEN)
        try:
            self._client = httpx.Client(**given, event_hooks={"response": [self._hear_date]})
        except (ImportError, ValueError) as error:
            raise ConfigError(f"The environment's proxy cannot be used: {error}") from None

    def now(self) -> datetime:
        """The time by the shop's clock, as its last answer told it."""
        return datetime.now(UTC) + self._ahead

    def _hear_date(self, answer: httpx.Response) -> None:
        try:
            ahead = parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)
        except (KeyError, TypeError, ValueError):
            return
        self._ahead = ahead if abs(ahead) > _TOLERANCE else timedelta(0)

    def menu(self) -> list[Json]:
        return self._list("items", "/v1/api/menu")

    def place(self, customer: str, items: Sequence[Json]) -> Json:
        """Place an order, once, however often the request must be repeated."""
        key = {"idempotency-key": str(uuid4())}
        document = order_document(customer, items)
        return self._call("POST", "/v1/api/orders", unsure=_MAY_EXIST, json=document, headers=key)

    def order(self, order_id: str, wait: int = 0) -> Json:
        return self._call("GET", f"/v1/api/orders/{order_id}", params={"wait": wait})

    def cancel(self, order_id: str) -> Json:
        """Ask for the order to be cancelled: what its stations have begun is made all the same."""
        return self._call("POST", f"/v1/api/orders/{order_id}/cancel")

    def whole_id(self, given: str) -> str:
        """The id of the order that people call by the beginning of it: of the newest hundred."""
        if len(given) > 30 or not re.fullmatch("[0-9A-Fa-f-]{4,}", given):
            return given  # whole, or none: the shop says so
        found = [each["id"] for each in self.orders(100) if each["id"].startswith(given.lower())]
        if len(found) == 1:
            return str(found[0])
        several = "Several of the newest orders begin" if found else "None of the newest begins"
        raise Refused(f"{several} with {given}: give the whole id (`coffee mine --json`).")

    def orders_of(self, customer: str, limit: int) -> list[Json]:
        query = {"loyaltyMemberId": customer, "limit": limit}
        return self._list("orders", "/v1/api/orders", params=query)

    def orders(self, limit: int, status: str | None = None) -> list[Json]:
        query = {"limit": limit} | ({"status": status} if status else {})
        return self._list("orders", "/v1/api/fulfillment-orders", params=query)

    def follow(self, path: str, **params: Any) -> Iterator[Json | None]:
        """Each version of what is followed, without end: a stream that ends is opened again.
        None for a sign of life, every few seconds, while nothing changes."""
        missed = 0
        while True:
            try:
                with self._client.stream("GET", path, params=params) as answer:
                    self._check(answer)
                    if not answer.headers.get("content-type", "").startswith(_STREAM):
                        raise _no_shop(answer)
                    missed = 0
                    for line in answer.iter_lines():
                        if line.startswith("data: "):
                            yield json.loads(line.removeprefix("data: "))
                        elif line == ":":
                            yield None
            except (httpx.TransportError, Unreachable) as error:
                missed += 1
                if missed > 10:
                    raise self._away(error) from None
                time.sleep(0.5)

    def _list(self, name: str, path: str, **arguments: Any) -> list[Json]:
        found: list[Json] = self._call("GET", path, has=name, kind=list, **arguments)[name]
        return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        has: str = "id",
        kind: type = str,
        unsure: str = "",
        **arguments: Any,
    ) -> Json:
        """The document that a shop answers: its field `has` is of that kind. `unsure` is said in
        the end if one of the tries may have reached it."""
        give_up, was_lost = time.monotonic() + self.PATIENCE, False
        while True:
            try:
                answer = self._client.request(method, path, **arguments)
                self._check(answer)
                return _document(answer, has, kind)
            except httpx.ConnectError as error:
                # Nobody listens there: no passing trouble.
                raise self._away(error, unsure if was_lost else "") from None
            except (httpx.TransportError, Unreachable) as error:
                was_lost = True
                if time.monotonic() > give_up:
                    raise self._away(error, unsure) from None
                time.sleep(0.5)
            except Refused as error:
                # Something in between, perhaps: an earlier try may have been taken.
                if was_lost and unsure:
                    raise self._away(error, unsure) from None
                raise

    def _away(self, error: Exception, unsure: str = "") -> Unreachable:
        said = str(error)
        if isinstance(error, httpx.TransportError):
            said = f"The shop at {self.url} cannot be reached ({error}).\n"
            said += "Is it up? `make up` starts it; --url says where."
        return Unreachable("\n".join(filter(None, (said, unsure))))

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        answer.read()
        if answer.status_code in (429, 503):
            raise Unreachable(explain(answer))
        if answer.status_code == 401:
            if "authorization" in self._client.headers:
                raise Refused(f"The shop does not take the token in {self.TOKEN}.")
            raise Refused(f"The shop wants a token: set {self.TOKEN}.")
        raise Refused(explain(answer))
