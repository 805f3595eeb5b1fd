"""The documents' commands, as they are written there, and the stack's own reports."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

from driver import PORT_OFFSET, Driver, heeds_ctrl_c
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.operate.logs import of_order
from scripts.operate.status import deaths
from scripts.stack.plan import Ports
from scripts.stack.runtime import APIS, chosen, process_name
from scripts.stack.supervise import Stack
from tests.support.waiting import until

DOCUMENTS = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *CHECKOUT.glob("docs/*.md")]
KUBERNETES = CHECKOUT / "docs" / "kubernetes.md"
"""Its commands need a cluster, or make one: tests/cluster does what they do."""


def blocks(document: Path) -> list[str]:
    """The document's shell blocks, without those of the juice bar, which has a test of its own."""
    text = document.read_text()
    text = re.sub(r"## Adding a station\n.*?(?=\n## )", "", text, flags=re.DOTALL)
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def made_by(document: Path) -> list[str]:
    """The targets of `make` in the document, in its blocks and between them."""
    text = document.read_text()
    commands = [*blocks(document), *re.findall(r"`([^`\n]+)`", text)]
    called = r"\bmake (?:-s )?([a-z0-9-]+)"
    return [target for each in commands for target in re.findall(called, each)]


@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if d != KUBERNETES], ids=lambda path: path.name
)
def test_every_curl_and_every_coffee_of_the_documents_works(
    shop: Driver, stack: Stack, document: Path
) -> None:
    """On the test's own ports; a board that would be live and a rush are made short."""
    shop.finished(shop.place("ann")["id"])
    ports = stack.ports
    for block in blocks(document):
        # What starts and stops the shop itself has tests of its own; Spin is on no registry.
        left_out = r"make |\S+python -m|spin up |\. \.coffeeshop/run/spin\.env"
        lines = [line for line in block.splitlines() if not re.match(left_out, line)]
        script = "\n".join(lines)
        for written, meant in (
            (r"localhost:500(\d)", lambda m: f"localhost:{ports.app(APIS[int(m[1]) - 1])}"),
            ("curl ", "curl --fail-with-body -sS "),
            ("till-1-0001", str(time.time())),
            (r"coffee board  +#.*", "coffee board --no-live"),
            (r"--for \d+s", "--for 1s"),
        ):
            script = re.sub(written, meant, script)
        ran = subprocess.run(
            ["/bin/bash", "-eu", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=CHECKOUT,
            env={**os.environ, "COFFEESHOP_PORT_OFFSET": str(PORT_OFFSET)},
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        if "curl" in script:
            assert '"status":"FULFILLED"' in ran.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_target_of_make_in_the_documents_is_there(document: Path) -> None:
    known = re.findall(r"^([a-z0-9-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert set(made_by(document)) <= set(known)


def test_the_main_job(tmp_path: Path) -> None:
    """`make run` places an order and serves; meanwhile the other commands work on it; Ctrl-C stops
    everything that it started."""
    offset = PORT_OFFSET + 1000
    env = {
        **os.environ,
        "COFFEESHOP_PORT_OFFSET": str(offset),
        "COFFEESHOP_HOME": str(tmp_path / "home"),
    }

    def make(*arguments: str) -> str:
        ran = subprocess.run(
            ["make", *arguments],
            cwd=CHECKOUT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    running = pexpect.spawn(
        "make",
        ["run"],
        cwd=str(CHECKOUT),
        env=env,
        encoding="utf-8",
        codec_errors="replace",  # Ctrl-C can come in the middle of a character
        timeout=90,
        preexec_fn=heeds_ctrl_c,
    )
    try:
        running.expect(r"order (\S{36})")
        order_id = running.match.group(1)
        running.expect("FULFILLED")
        running.expect("Ctrl-C stops everything")
        components = 1 if chosen() == "spin" else len(APIS)
        assert make("status").count("RUNNING") == components + len(APIS) + 1
        assert "order.placed" in make("logs", f"ORDER={order_id}")
        assert order_id in make("coffee", "ARGS=mine --as ann --json")
        assert "There are no dead letters" in make("dead-letters")
    finally:
        running.sendintr()
        running.expect(pexpect.EOF)
        running.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", Ports(offset, chosen()).app("counter"))) != 0


def test_a_process_that_dies_is_reported_and_started_again(shop: Driver, stack: Stack) -> None:
    name = process_name(stack.ports.runtime, "barista")
    before = stack.pid("barista-api")
    stack.kill("barista-api")
    until(lambda: stack.pid("barista-api") not in (0, before), 10, "not started again")
    told = deaths(stack.events.read_text())
    assert any(f"{name} died (terminated by SIGKILL)" in line for line in told)
    stack.wait_until_ready()
    shop.finished(shop.place()["id"])


def test_a_second_start_is_refused_and_leaves_the_first_alone(shop: Driver, stack: Stack) -> None:
    with (
        pytest.raises(Failure, match="up already"),
        Stack(stack.layout.home, PORT_OFFSET) as second,
    ):
        second.up()
    assert shop.counter.get("/healthz/counter").status_code == 204


def test_an_order_can_be_followed_through_all_apis(shop: Driver, stack: Stack) -> None:
    order_id = shop.finished(shop.place()["id"])["id"]
    time.sleep(0.2)
    lines = of_order([log for log in stack.logs() if log.name.endswith("-api.log")], order_id)
    assert {line["api"] for line in lines} == {"counter-api", "barista-api", "kitchen-api"}
    assert lines[0]["event"] == "order.placed"
    assert lines[-1]["event"] == "order.updated"


def test_no_log_holds_a_secret_or_an_identity(shop: Driver, stack: Stack) -> None:
    shop.finished(shop.place("somebody-very-special")["id"])
    for log in stack.logs():
        text = log.read_text(errors="replace")
        assert "somebody-very-special" not in text, log.name
        assert not any(secret in text for secret in stack.secrets.values()), log.name
