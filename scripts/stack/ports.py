"""Whether the ports of a stack are free, and stay so."""

import errno
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil

from scripts.base.console import Failure
from scripts.stack.runtime import Process

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")


def check(needed: Iterable[Process]) -> None:
    """Raises `Failure` naming a port that is taken, and by whom if that can be known."""
    for process in needed:
        for port in process.ports:
            _check(process, port)


def _check(process: Process, port: int) -> None:
    family = socket.AF_INET6 if ":" in process.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((process.host, port))
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            said = f"LISTEN is {process.host}, which is no address of this machine."
            raise Failure(said) from None
        if error.errno == errno.EACCES:
            raise Failure(f"{process.name} may not listen on port {port}.") from None
        advice = "stop that or set COFFEESHOP_PORT_OFFSET=1000 to use other ports."
        if port in outgoing():
            advice = "outgoing connections get such ports; COFFEESHOP_PORT_OFFSET=1000 uses others."
        raise Failure(
            f"{process.name} needs port {port}, which {_holder(port)} uses: {advice}"
        ) from None


def _holder(port: int) -> str:
    try:
        pids = {
            connection.status == psutil.CONN_LISTEN: connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.laddr and connection.laddr.port == port and connection.pid
        }
        for is_server in (True, False):
            if pid := pids.get(is_server):
                name = f"{psutil.Process(pid).name()} (process {pid})"
                return name if is_server else f"an outgoing connection of {name}"
    except psutil.Error:
        pass
    return "another program"


def outgoing() -> range:
    """The ports that the system gives to outgoing connections; none where it does not say."""
    try:
        low, high = map(int, OUTGOING.read_text().split())
    except (OSError, ValueError):
        return range(0)
    return range(low, high + 1)


def collisions(needed: Iterable[Process], offset: int) -> list[str]:
    """A line if an outgoing connection can take a port while its process is down for a moment. It
    names the first such port."""
    taken, reserved = outgoing(), _reserved()
    ports = [(port, process.name) for process in needed for port in process.ports]
    for port, name in ports:
        if port in taken and port not in reserved:
            most = taken[0] - 1 - (max(ports)[0] - offset)
            return [
                f"With COFFEESHOP_PORT_OFFSET={offset} {name} has port {port}, one of those that "
                f"outgoing connections get ({taken[0]} to {taken[-1]}): when it is started again, "
                f"another program may hold it. Offsets up to {most} do not collide."
            ]
    return []


def _reserved() -> set[int]:
    """Ports that outgoing connections do not get, by the administrator's will."""
    found: set[int] = set()
    try:
        text = RESERVED.read_text().strip()
        for part in filter(None, text.split(",")):
            low, _, high = part.partition("-")
            found |= set(range(int(low), int(high or low) + 1))
    except (OSError, ValueError):
        pass
    return found
