"""Where a stack's processes listen."""

from collections.abc import Iterable

import psutil

from scripts.stack.supervise import Stack


def ports_open_to_others(stack: Stack) -> set[int]:
    """The ports on which the stack's processes, or children of theirs, listen beyond loopback."""
    pids = set(_with_children(process["pid"] for process in stack.states()))
    return {
        connection.laddr.port
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
        and connection.pid in pids
        and connection.laddr
        and connection.laddr.ip != "127.0.0.1"
    }


def _with_children(pids: Iterable[int]) -> Iterable[int]:
    for pid in pids:
        yield pid
        yield from (child.pid for child in psutil.Process(pid).children(recursive=True))
