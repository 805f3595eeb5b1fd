"""Calls to a stack's supervisord, at its socket. Each has an end: supervisor's own transport waits
for ever for one that is stopped (SIGSTOP)."""

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds for an answer, also on a machine that stalls."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, _host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


def supervisor(path: Path) -> Any:
    """supervisord's functions. They raise `OSError` where it does not answer, and
    `xmlrpc.client.Error`."""
    return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path)).supervisor
