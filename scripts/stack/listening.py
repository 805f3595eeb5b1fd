"""Where a stack is, as the environment says: its folder, its ports and the address of the shop."""

import difflib
import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure

HIGHEST_PORT = 65_535

KNOWN = (
    *("COFFEESHOP_CACHE", "COFFEESHOP_HOME", "COFFEESHOP_LISTEN", "COFFEESHOP_PORT_OFFSET"),
    *("COFFEESHOP_POS_TOKEN", "COFFEESHOP_STAFF_TOKEN", "COFFEESHOP_ORDER_DEADLINE_SECONDS"),
    *("COFFEESHOP_MAKING", "COFFEESHOP_TICKET_SLOW_SECONDS", "COFFEESHOP_TICKET_LATE_SECONDS"),
    *("COFFEESHOP_PICKUP_MINUTES", "COFFEESHOP_STATION_URL"),
    *("COFFEESHOP_TRACES", "COFFEESHOP_URL", "COFFEESHOP_TEST_PORT_OFFSET"),
    *("COFFEESHOP_FUZZ", "COFFEESHOP_EXAMPLES", "COFFEESHOP_PICTURES"),
)
"""Every variable that something here reads."""


@dataclass(frozen=True)
class Address:
    """Where the shop listens. All else of a stack listens on 127.0.0.1."""

    text: str = "127.0.0.1"

    @cached_property
    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return ipaddress.ip_address(self.text)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self._ip.is_loopback

    @property
    def is_all(self) -> bool:
        return self._ip.is_unspecified

    @property
    def host(self) -> str:
        """As it stands before a colon and a port."""
        return f"[{self.text}]" if self._ip.version == 6 else self.text

    @property
    def near(self) -> "Address":
        """Where this machine itself reaches it. Who listens on all of IPv6 does on IPv4 too, unless
        the system says otherwise."""
        if not self.is_all:
            return self
        return Address("::1" if self._ip.version == 6 and _is_v6_only() else "127.0.0.1")

    def for_others(self) -> list["Address"]:
        """This machine's own addresses, as far as they are listened on, that others may reach."""
        if self.is_local:
            return []
        if not self.is_all:
            return [self]
        families = {socket.AF_INET: 4, socket.AF_INET6: 6}
        found = [
            Address(each.address)
            for interface in psutil.net_if_addrs().values()
            for each in interface
            if families.get(each.family, 9) <= self._ip.version and "%" not in each.address
        ]
        return [each for each in found if not each.is_local]


LOOPBACK = Address()


def _is_v6_only() -> bool:
    try:
        return Path("/proc/sys/net/ipv6/bindv6only").read_text().strip() == "1"
    except OSError:
        return False


def home() -> Path:
    """`$COFFEESHOP_HOME`, by default `.coffeeshop` in the checkout."""
    return Path(os.environ.get("COFFEESHOP_HOME") or CHECKOUT / ".coffeeshop")


def port_offset(highest: int, name: str = "COFFEESHOP_PORT_OFFSET", default: int = 0) -> int:
    """What is added to every port, of which `highest` is the highest. Raises `Failure`."""
    text = os.environ.get(name) or str(default)
    most = HIGHEST_PORT - highest
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > most:
        raise Failure(f"{name} is {text[:40]!r}: it must be a whole number from 0 to {most}.")
    return int(text)


def listen() -> Address:
    """`$COFFEESHOP_LISTEN`, by default this machine alone. Raises `Failure`."""
    text = os.environ.get("COFFEESHOP_LISTEN") or LOOPBACK.text
    try:
        ipaddress.ip_address(text)
    except ValueError:
        text = text[:60]
        raise Failure(
            f"LISTEN is {text!r}: it must be an address of this machine, or 0.0.0.0 or :: for all."
        ) from None
    if "%" in text:
        raise Failure(f"LISTEN is {text!r}: an address with a zone cannot be listened on.")
    return Address(text)


def unknown(env: Mapping[str, str] = os.environ) -> list[str]:
    """A line for each variable that looks like a setting and that nothing reads."""
    lines = []
    for name in sorted(env):
        if name.startswith("COFFEESHOP_") and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, 1, 0.8)
            meant = f": is {near[0]} meant?" if near else "."
            lines.append(f"{name} is set, and nothing reads it{meant}")
    return lines
