"""What is said before anything is started."""

import os
import socket

import pytest

from scripts.cache import Failure
from scripts.runtime import Process
from scripts.supervise import _check_ports


def test_a_taken_port_is_named_with_who_needs_it_and_who_holds_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failure) as failure:
            _check_ports([Process("counter-api", "components", ("x",), (port,))])
    said = str(failure.value)
    assert "\n" not in said
    assert f"counter-api needs port {port}" in said
    assert f"process {os.getpid()}" in said
    assert "COFFEESHOP_PORT_OFFSET" in said


def test_free_ports_are_no_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _check_ports([Process("counter-api", "components", ("x",), (port,))])
