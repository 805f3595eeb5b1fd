"""What is said before anything is started, and what supervisord is told."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from scripts.base.console import Failure
from scripts.stack import orphans, plan, ports, rpc, supervisord
from scripts.stack.listening import LOOPBACK, Address
from scripts.stack.plan import Layout
from scripts.stack.runtime import Process
from scripts.stack.supervise import Stack
from tests.support.waiting import until

NASTY = """we "ir'd; #1 50%off %(here)s ü$HOME"""
"""Part of a path, of a command and of a token."""


def needs(port: int) -> Process:
    return Process("counter-api", "components", ("x",), (port,))


def test_a_taken_port_is_named_with_who_needs_it_and_who_holds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports, "outgoing", lambda: range(0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failure) as failure:
            ports.check([needs(port)])
    said = str(failure.value)
    assert "\n" not in said
    assert f"counter-api needs port {port}" in said
    assert f"process {os.getpid()}" in said
    assert "COFFEESHOP_PORT_OFFSET" in said


def test_a_port_that_an_outgoing_connection_holds_is_named_as_such() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as outgoing,
    ):
        port = outgoing.getsockname()[1]
        with pytest.raises(Failure, match="outgoing connection") as failure:
            ports.check([needs(port)])
    assert f"port {port}" in str(failure.value)


def test_free_ports_are_no_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ports.check([needs(port)])


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(Failure, match=r"LISTEN is 203\.0\.113\.9, which is no address"):
        ports.check([replace(needs(5002), host="203.0.113.9")])


@pytest.mark.parametrize(
    ("offset", "told"), [(0, False), (27763, False), (27764, True), (44000, True), (56000, False)]
)
def test_ports_that_outgoing_connections_get_are_named(
    offset: int, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "outgoing", lambda: range(32768, 61000))
    monkeypatch.setattr(ports, "_reserved", lambda: {5004 + 56000})
    lines = ports.collisions([needs(5004 + offset)], offset)
    assert bool(lines) == told
    for line in lines:
        assert f"port {5004 + offset}" in line
        assert f"COFFEESHOP_PORT_OFFSET={offset}" in line
        assert "Offsets up to 27763" in line


# Settings


def settings(**changes: str) -> dict[str, dict[str, str]]:
    given = {"sidecar_token": "s", "app_token": "a", "id_secret": "i", **changes}
    return {"product": {**given}, "counter": given}


def test_a_wrong_setting_is_named_before_anything_is_started() -> None:
    with pytest.raises(Failure, match=r"^COFFEESHOP_ORDER_DEADLINE_SECONDS must be a whole number"):
        plan.check(settings(order_deadline_seconds="1e3"), LOOPBACK)
    with pytest.raises(Failure, match=r"^COFFEESHOP_POS_TOKEN must be at most") as failure:
        plan.check(settings(pos_token="never-to-be-seen\n"), LOOPBACK)
    assert "never-to-be-seen" not in str(failure.value)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7"])
def test_a_shop_that_others_reach_needs_its_tokens(address: str) -> None:
    with pytest.raises(Failure, match="COFFEESHOP_POS_TOKEN and COFFEESHOP_STAFF_TOKEN"):
        plan.check(settings(), Address(address))
    with pytest.raises(Failure, match="set COFFEESHOP_STAFF_TOKEN"):
        plan.check(settings(pos_token="p", staff_token=""), Address(address))
    plan.check(settings(pos_token="p", staff_token="s"), Address(address))


def test_a_shop_of_this_machine_alone_needs_none() -> None:
    for address in ("127.0.0.1", "127.0.0.9", "::1"):
        plan.check(settings(), Address(address))


# supervisord itself, with a process that tells what it was given

TELL = """
import json, os, sys, time
json.dump([sys.argv[2:], dict(os.environ), os.getcwd()], open(sys.argv[1] + ".new", "w"))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


def until_there(path: Path) -> None:
    until(path.exists, 20, f"{path} is not written", pause=0.02)


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    layout = Layout(tmp_path / NASTY)
    for folder in (layout.data, layout.logs, layout.run):
        folder.mkdir(parents=True)
    yield layout
    orphans.stop(layout)


def telling(layout: Layout, name: str, group: str, *arguments: str, **env: str) -> Process:
    command: tuple[str | Path, ...] = (sys.executable, "-c", TELL, layout.home / name, *arguments)
    return Process(name, group, command, (), env=env)


def test_any_path_argument_and_token_reach_a_process_whole(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    token = f'{NASTY}"\\'
    process = telling(layout, "counter-api", "components", NASTY, "", TOKEN=token, EMPTY="")
    supervisord.start(layout, [process])
    until_there(layout.home / "counter-api")
    arguments, env, cwd = json.loads((layout.home / "counter-api").read_text())
    assert arguments == [NASTY, ""]
    assert (env["TOKEN"], env["EMPTY"], cwd) == (token, "", str(Path.cwd()))
    assert not {name.lower() for name in env} & {"http_proxy", "all_proxy"}
    assert layout.log("counter-api").exists()


def test_no_secret_is_in_what_supervisord_reads_and_prints(layout: Layout) -> None:
    supervisord.start(layout, [telling(layout, "counter-api", "components", TOKEN="50%off")])
    assert "50%off" not in (layout.run / "supervisor.conf").read_text()
    described = layout.run / "processes.json"
    assert described.stat().st_mode & 0o777 == 0o600
    bad = Process("no such name: x", "components", ("x",), (), env={"TOKEN": "50%off"})
    orphans.stop(layout)
    with pytest.raises(Failure) as failure:
        supervisord.start(layout, [bad])
    assert "50%off" not in str(failure.value)


def test_a_supervisord_that_is_stopped_does_not_answer_and_is_ended(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "PATIENCE", 0.5)
    supervisord.start(layout, [telling(layout, "valkey", "store")])
    until_there(layout.home / "valkey")
    stack = Stack(layout.home)
    assert stack.is_up()
    supervisor = psutil.Process(int((layout.run / "supervisor.pid").read_text()))
    supervisor.suspend()
    assert not stack.is_up()
    found = orphans.find(layout)
    assert {left.name for left in found} == {"supervisord", "valkey"}
    stack.down()
    assert not any(left.process.is_running() for left in found)


@pytest.mark.parametrize("lost", ["supervisord", "its folder"])
def test_what_supervisord_left_behind_is_found_and_stopped(
    layout: Layout, tmp_path: Path, lost: str
) -> None:
    groups = {"counter-api": "components", "counter-sidecar": "sidecars", "valkey": "store"}
    needed = [telling(layout, name, group) for name, group in groups.items()]
    supervisord.start(layout, needed)
    for process in needed:
        until_there(layout.home / process.name)
    if lost == "supervisord":
        supervisor = psutil.Process(int((layout.run / "supervisor.pid").read_text()))
        supervisor.kill()
        supervisor.wait(5)
    else:
        layout.home.rename(tmp_path / "elsewhere")
    found = {left.name: left.process for left in orphans.find(layout)}
    assert set(groups) <= set(found)
    stopped = orphans.stop(layout)
    assert set(groups) <= set(stopped)
    assert orphans.find(layout) == []
    assert not any(process.is_running() for process in found.values())


def test_another_stacks_processes_are_nobodys_leftovers(layout: Layout, tmp_path: Path) -> None:
    supervisord.start(layout, [telling(layout, "valkey", "store")])
    until_there(layout.home / "valkey")
    assert orphans.find(Layout(tmp_path)) == []
    assert {left.name for left in orphans.find(layout)} == {"supervisord", "valkey"}
