"""The README's commands, as they are written there, and the stack's own reports."""

import re
import subprocess
import time

import pytest

from scripts.cache import CHECKOUT, Failure
from scripts.logs import of_order
from scripts.status import deaths
from scripts.supervise import Stack
from shop import PORT_OFFSET, Shop, until


def test_every_curl_in_the_readme_works(shop: Shop) -> None:
    """On the test's own ports, which is all that is changed in them."""
    shop.finished(shop.place("ann")["id"])
    readme = (CHECKOUT / "README.md").read_text()
    block = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)[1]
    script = re.sub(r"localhost:(\d+)", lambda m: f"localhost:{int(m[1]) + PORT_OFFSET}", block)
    script = script.replace("curl ", "curl --fail-with-body -sS ").replace(
        "till-1-0001", str(time.time())
    )
    ran = subprocess.run(
        ["/bin/bash", "-eu", "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"status":"FULFILLED"' in ran.stdout


def test_a_process_that_dies_is_reported_and_started_again(shop: Shop, stack: Stack) -> None:
    before = stack.pid("barista-api")
    stack.kill("barista-api")
    until(lambda: stack.pid("barista-api") not in (0, before), 10, "not started again")
    told = deaths(stack.events.read_text())
    assert any("barista-api died (terminated by SIGKILL)" in line for line in told)
    shop.finished(shop.place()["id"])


def test_a_second_start_is_refused_and_leaves_the_first_alone(shop: Shop, stack: Stack) -> None:
    with (
        pytest.raises(Failure, match="up already"),
        Stack(stack.layout.home, PORT_OFFSET) as second,
    ):
        second.up()
    assert shop.counter.get("/healthz/counter").status_code == 204


def test_an_order_can_be_followed_through_all_apis(shop: Shop, stack: Stack) -> None:
    order_id = shop.finished(shop.place()["id"])["id"]
    time.sleep(0.2)
    lines = of_order([log for log in stack.logs() if log.name.endswith("-api.log")], order_id)
    assert {line["api"] for line in lines} == {"counter-api", "barista-api", "kitchen-api"}
    assert [line["event"] for line in lines][:2] == ["order.placed", "order.submitted"]
    assert lines[-1]["event"] == "order.updated"


def test_no_log_holds_a_secret_or_an_identity(shop: Shop, stack: Stack) -> None:
    shop.finished(shop.place("somebody-very-special")["id"])
    for log in stack.logs():
        text = log.read_text(errors="replace")
        assert "somebody-very-special" not in text, log.name
        assert not any(secret in text for secret in stack.secrets.values()), log.name
