"""`coffee` as people have it: in a terminal; and as scripts have it: JSON and exit codes."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pexpect
import pytest

from driver import PORT_OFFSET, Driver, away, heeds_ctrl_c, somebody
from product.menu import MENU
from scripts.base.checkout import CHECKOUT

COFFEE = str(CHECKOUT / ".venv" / "bin" / "coffee")
ENV = {
    **{k: v for k, v in os.environ.items() if not k.startswith("COFFEESHOP_")},
    "COFFEESHOP_PORT_OFFSET": str(PORT_OFFSET),
    "COLUMNS": "120",
}


def coffee(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COFFEE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
        env=ENV | env,
        cwd="/",  # it is called by its path, from wherever one is
    )


@pytest.fixture(scope="module", autouse=True)
def rush(shop: Driver) -> "Iterator[subprocess.Popen[str]]":
    """Twenty orders a second for half a minute, behind all tests of this module."""
    with subprocess.Popen(
        [COFFEE, "rush", "--rate", "20", "--for", "30s", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENV,
    ) as running:
        yield running
        running.kill()


def answered(*arguments: str) -> Any:
    ran = coffee(*arguments, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def terminal(*arguments: str, columns: int = 160) -> "pexpect.spawn[str]":
    return pexpect.spawn(
        COFFEE,
        list(arguments),
        env={**ENV, "TERM": "xterm-256color", "COLUMNS": str(columns)},
        encoding="utf-8",
        codec_errors="replace",  # Ctrl-C can come in the middle of a character
        timeout=30,
        dimensions=(70, columns),
        preexec_fn=heeds_ctrl_c,
    )


def test_an_order_is_seen_through_in_a_terminal(shop: Driver) -> None:
    ann = somebody()
    session = terminal("order", "COFFEE_BLACK", "CROISSANT", "--as", ann)
    session.expect("COFFEE_BLACK")
    session.expect(r"total.*6\.25.*ready")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 0
    (found,) = answered("mine", "--as", ann)
    assert (found["status"], found["total"]) == ("FULFILLED", 6.25)
    assert answered("watch", found["id"])["id"] == found["id"]


def test_the_board_is_live_until_ctrl_c(shop: Driver) -> None:
    session = terminal("board")
    session.expect("in preparation")
    customer = f"z{uuid4().hex[:8]}"
    shop.place(customer)
    session.expect(customer)
    session.sendintr()
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 130


def test_the_board_in_a_pipe_is_a_line_for_each_change(shop: Driver) -> None:
    with subprocess.Popen([COFFEE, "board"], stdout=subprocess.PIPE, text=True, env=ENV) as board:
        assert board.stdout is not None
        assert board.stdout.readline()
        customer = somebody()
        placed = shop.place(customer)
        own = (line for line in board.stdout if customer in line)
        line = next(line for line in own if "  ready  " in line)
        assert placed["id"][:8] in line
        board.stdout.close()
        # It writes to nobody now, and ends at the next change, without a word of it.
        while board.poll() is None:
            shop.place()
            time.sleep(0.5)
        assert board.returncode == 141


@pytest.mark.parametrize("name", ["[/]", "[red]x", "דוד", "\N{WOMAN}\u200d\N{COOKING}"])
def test_an_order_under_any_name_is_placed_shown_and_found(name: str) -> None:
    name = f"{name} {somebody()}"
    ran = coffee("order", "LATTE", "LATTE", "--as", name)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert name in ran.stdout
    assert re.search(r"2 ×\s+LATTE\s+\$9\.00\s+ready", ran.stdout)
    (found,) = answered("mine", "--as", f" {name}\n")
    assert found["loyaltyMemberId"] == name
    listed = coffee("mine", "--as", name, COLUMNS="80").stdout
    assert "2 × LATTE" in listed
    assert max(map(len, listed.splitlines())) <= 80
    # Whole: its beginning is looked for among the newest hundred, in a rush those of five seconds.
    assert answered("watch", found["id"])["id"] == found["id"]


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "a\x1b[2J", "a\nb"])
def test_what_is_no_name_is_refused_and_said_plainly(name: str) -> None:
    ran = coffee("order", "LATTE", "--as", name)
    assert ran.returncode == 3
    assert "--as: must not" in ran.stderr
    assert "\x1b" not in ran.stderr


def test_one_name_in_two_forms_is_one_customer() -> None:
    name = somebody()
    for form in ("Jos\u00e9", "Jose\u0301"):
        assert coffee("order", "LATTE", "--as", f"{form} {name}").returncode == 0
    for form in ("Jos\u00e9", "Jose\u0301"):
        assert len(answered("mine", "--as", f"{form} {name}")) == 2


def test_a_proxy_is_not_asked_for_a_shop_on_this_machine(shop: Driver) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        assert coffee("menu", **{name: "http://127.0.0.1:9"}).returncode == 0


def test_the_menu_and_the_board_as_json(shop: Driver) -> None:
    shop.finished(shop.place()["id"])
    assert [item["name"] for item in answered("menu")] == [item.name for item in MENU]
    assert answered("board", "--no-live", "--limit", "1")[0]["status"]


def test_a_failed_order_is_told_by_its_exit_code_and_its_reason(shop: Driver) -> None:
    shop.kitchen.put("/v1/api/kitchen/unavailable/9")
    try:
        ran = coffee("order", "croissant chocolate")
        assert "sold out" in coffee("menu").stdout
    finally:
        shop.kitchen.delete("/v1/api/kitchen/unavailable/9")
    assert ran.returncode == 1
    assert "CROISSANT_CHOCOLATE is sold out." in ran.stdout


def test_what_cannot_be_is_told_helpfully(shop: Driver) -> None:
    unknown = coffee("order", "CROISANT", "TEA")
    assert unknown.returncode == 3
    assert "CROISANT is not on the menu: CROISSANT" in unknown.stderr
    assert "coffee menu" in unknown.stderr
    nowhere = coffee("--url", "http://127.0.0.1:9", "menu")
    assert nowhere.returncode == 4
    assert "cannot be reached" in nowhere.stderr
    assert "make up" in nowhere.stderr
    no_order = coffee("watch", "00000000-0000-4000-8000-000000000000")
    assert no_order.returncode == 3
    assert "There is no such order" in no_order.stderr
    assert coffee("rush", "--for", "soon").returncode == 2
    assert coffee("brew").returncode == 2


def test_an_order_that_does_not_end_in_time_has_its_own_exit_code(shop: Driver, stack: Any) -> None:
    with away(stack, "barista"):
        ran = coffee("order", "LATTE", "--within", "1")
    assert ran.returncode == 5, ran.stdout + ran.stderr
    order_id = re.search(r"coffee watch (\S{36})`", ran.stderr)
    assert order_id is not None
    assert coffee("watch", order_id[1]).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_complete(shell: str) -> None:
    script = coffee("--show-completion", shell)
    assert script.returncode == 0
    assert "_COFFEE_COMPLETE" in script.stdout


def test_item_names_are_completed_from_the_menu(shop: Driver) -> None:
    ran = coffee(_COFFEE_COMPLETE="complete_bash", COMP_WORDS="coffee order CROI", COMP_CWORD="2")
    assert ran.stdout.split() == ["CROISSANT", "CROISSANT_CHOCOLATE"]


def test_a_rush_of_twenty_orders_a_second_is_accounted_for(
    shop: Driver, rush: "subprocess.Popen[str]"
) -> None:
    """For half a minute, while the tests above sold an item out and stopped a station; each order
    is seen to end, and what coffee says is what the shop has."""
    out, err = rush.communicate(timeout=150)
    assert rush.returncode == 0, out + err
    summary = json.loads(out)
    assert summary["placed"] == summary["wanted"] == 600
    assert summary["fulfilled"] + summary["failed"] == 600
    assert summary["unaccounted"] == summary["refused"] == 0
    assert 0 < summary["p50Ms"] <= summary["p99Ms"]
    newest = [each for page in shop.pages("/v1/api/fulfillment-orders", limit=100) for each in page]
    assert {each["status"] for each in newest} <= {"FULFILLED", "PARTIAL", "FAILED", "CANCELLED"}


def test_the_command_line_installs_without_the_checkout(tmp_path: Path) -> None:
    """As `pipx install .` does it; its libraries are those of this environment."""
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path)
    subprocess.run([*pip, CHECKOUT], check=True, timeout=120)
    ran = subprocess.run(
        [tmp_path / "bin" / "coffee", "--help"],
        env={**ENV, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert ran.returncode == 0, ran.stderr
    assert "order" in ran.stdout


@pytest.mark.parametrize("columns", ["1", "10", "30", "60"])
def test_what_is_printed_for_a_narrow_terminal_is_all_there(shop: Driver, columns: str) -> None:
    name = somebody()
    placed = coffee("order", "COFFEE_WITH_ROOM", "--as", name, COLUMNS=columns).stdout
    listed = coffee("mine", "--as", name, COLUMNS=columns).stdout
    menu = coffee("menu", COLUMNS=columns).stdout
    for said in (placed, listed, menu):
        assert "COFFEE_WITH_ROOM" in said
        assert "$3.00" in said
    assert "ready" in placed
    assert "ready" in listed
    assert "available" in menu
