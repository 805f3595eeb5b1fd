"""What the dashboard and the alerts look at is really exported by the running stack."""

import re
import time

import httpx

from driver import Driver
from scripts.stack.runtime import APIS
from scripts.stack.supervise import Stack
from tests import monitoring
from tests.support.waiting import until, within


def exported(stack: Stack) -> str:
    ports = map(stack.ports.metrics, APIS)
    return "\n".join(httpx.get(f"http://127.0.0.1:{port}/metrics").text for port in ports)


def test_every_metric_is_exported(shop: Driver, stack: Stack) -> None:
    """After an order, a sweep, an event that nobody can handle, and one that had to wait for the
    counter."""
    shop.finished(shop.place()["id"])
    _publish_nonsense(stack)
    stack.stop("counter-api")
    try:
        _publish_nonsense(stack)
        time.sleep(1)
    finally:
        stack.start("counter-api")
    stack.wait_until_ready()

    def missing() -> set[str]:
        names = set(re.findall(r"^(dapr_\w+)", exported(stack), re.MULTILINE))
        return monitoring.metrics() - names

    within(lambda: not missing(), 30, pause=0.5)
    assert missing() == set()
    until(
        lambda: re.search(r'(?i)process_status="drop"', exported(stack)), 30, "no drop is counted"
    )


def _publish_nonsense(stack: Stack) -> None:
    """As barista-api, which may publish to that topic."""
    answer = httpx.post(
        f"http://127.0.0.1:{stack.ports.sidecar('barista')}/v1.0/publish/pubsub/barista_order_updated",
        json={"version": 1, "nonsense": True},
        headers={"dapr-api-token": stack.secrets["sidecar_token"]},
    )
    assert answer.status_code == 204
