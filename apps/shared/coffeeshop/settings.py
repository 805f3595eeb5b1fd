"""What an operator can set. Read at request time: module code runs when the component is built."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from datetime import timedelta

ALWAYS_NEEDED = ("sidecar_token", "app_token")
"""Of every API: without them the sidecar refuses its calls, or anybody may send it events."""

MAX_DEADLINE_SECONDS = 86_400
MAX_PICKUP_MINUTES = 240
AT_ONCE, BY_STAFF = "at-once", "by-staff"
"""How a station makes: as soon as an order comes, or as its staff say."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one API, each a string as the runtime hands it over.

    On Spin each is a variable of the component, elsewhere the environment variable
    `COFFEESHOP_<NAME>`. An empty POS or staff token switches that check off. Secrets are left out
    of the text form, which exceptions and logs may hold.
    """

    sidecar_host: str = "127.0.0.1"
    sidecar_port: str = "3500"
    sidecar_token: str = field(default="", repr=False)
    """Sent to the sidecar, which refuses calls without it."""
    app_token: str = field(default="", repr=False)
    """Expected from the sidecar on events and jobs."""
    id_secret: str = field(default="", repr=False)
    """Keys the HMACs behind order ids and customer keys. Changing it loses both."""
    pos_token: str = field(default="", repr=False)
    """Expected from a POS as a bearer token."""
    staff_token: str = field(default="", repr=False)
    """Expected from staff: of a station who change the list of unavailable items, of the counter
    who hand orders over."""
    order_deadline_seconds: str = "300"
    pickup_minutes: str = "20"
    """How long an order that is ready is called out, if nobody says that it was collected."""
    station: str = ""
    """Which station a station-api is: its name on the menu and in paths, topics and app id."""
    making: str = AT_ONCE
    """How this station makes: `at-once` or `by-staff`."""
    ticket_slow_seconds: str = "180"
    ticket_late_seconds: str = "360"
    """The ages from which staff see that a ticket is slow, and late."""

    @property
    def sidecar(self) -> str:
        """Host and port of the sidecar."""
        return f"{self.sidecar_host}:{self.sidecar_port}"

    @property
    def order_deadline(self) -> timedelta:
        """How long stations may take to answer. Raises `ValueError` for what `invalid` names."""
        return timedelta(seconds=int(self.order_deadline_seconds))

    @property
    def is_staffed(self) -> bool:
        """Whether people make, and say what they do."""
        return self.making == BY_STAFF

    @property
    def pickup_time(self) -> timedelta:
        """How long an order that is ready is called out. Raises `ValueError` for what `wrong`
        names."""
        return timedelta(minutes=int(self.pickup_minutes))

    def invalid(self, needed: Collection[str] = ()) -> tuple["InvalidSetting", ...]:
        """Each setting that cannot be used. Those that are `needed` may not be empty."""
        found = []
        for name, rule in _RULES.items():
            value = getattr(self, name)
            if not value and name in needed:
                found.append(InvalidSetting(name, "set"))
            elif not rule.accepts(value):
                found.append(InvalidSetting(name, rule.expected))
        limits = ("ticket_slow_seconds", "ticket_late_seconds")
        if not any(each.name in limits for each in found):
            slow, late = (int(getattr(self, name)) for name in limits)
            if slow > late:
                found.append(InvalidSetting("ticket_late_seconds", "at least ticket_slow_seconds"))
        return tuple(found)


NAMES = tuple(each.name for each in fields(Settings))


@dataclass(frozen=True, slots=True)
class InvalidSetting:
    """A setting that cannot be used: it must be `expected`. Neither field holds its value."""

    name: str
    expected: str

    def __str__(self) -> str:
        return f"{self.name} must be {self.expected}"


@dataclass(frozen=True, slots=True)
class _Rule:
    accepts: Callable[[str], object]
    expected: str


def _whole_number(low: int, high: int, unit: str) -> _Rule:
    def accepts(text: str) -> bool:
        return bool(re.fullmatch(r"[0-9]{1,6}", text)) and low <= int(text) <= high

    return _Rule(accepts, f"a whole number{unit} from {low} to {high}")


_HOST = _Rule(
    re.compile(
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]"
    ).fullmatch,
    "a host's name or address (IPv6 in brackets)",
)
TOKEN = _Rule(
    re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?)?").fullmatch,
    "at most 1024 visible ASCII characters, blanks only between them",
)
"""A token travels in a header. White space at its ends, such as the line's end of a file that a
Secret was made of, is cut off on the way, and the two then differ."""

_RULES: dict[str, _Rule] = {
    "sidecar_host": _HOST,
    "sidecar_port": _whole_number(1, 65_535, ""),
    "sidecar_token": TOKEN,
    "app_token": TOKEN,
    # Any text: what a shop began with must do for ever.
    "id_secret": _Rule(lambda _: True, ""),
    "pos_token": TOKEN,
    "staff_token": TOKEN,
    "station": _Rule(re.compile(r"[a-z]{0,20}").fullmatch, "a name of 1 to 20 letters from a to z"),
    "order_deadline_seconds": _whole_number(1, MAX_DEADLINE_SECONDS, " of seconds"),
    "pickup_minutes": _whole_number(1, MAX_PICKUP_MINUTES, " of minutes"),
    "making": _Rule({AT_ONCE, BY_STAFF}.__contains__, f"{AT_ONCE} or {BY_STAFF}"),
    "ticket_slow_seconds": _whole_number(1, MAX_DEADLINE_SECONDS, " of seconds"),
    "ticket_late_seconds": _whole_number(1, MAX_DEADLINE_SECONDS, " of seconds"),
}
