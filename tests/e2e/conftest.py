"""The real stack, once for all end-to-end tests, on ports of its own beside any `make up`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import chromium, opened, url
from driver import PORT_OFFSET, Driver
from scripts.stack.plan import Ports
from scripts.stack.supervise import Stack
from spans import Collector

__all__ = ["chromium", "collector", "opened", "shop", "stack", "url"]


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with Collector(Ports(PORT_OFFSET).zipkin) as running:
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("shop")
    with Stack(home, PORT_OFFSET, tracing=True) as running:
        running.up()
        yield running


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Driver:
    return Driver(PORT_OFFSET, stack.secrets["valkey_password"])
