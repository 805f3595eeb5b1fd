"""What the scripts read: supervisord's log and the guests' log lines."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import valkey
import yaml

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.operate import cluster_secrets, dead_letters, status
from scripts.operate.dead_letters import address
from scripts.operate.logs import of_order, parse, render
from scripts.operate.status import TROUBLE, deaths, trouble
from scripts.provision import zipkin
from scripts.provision.programs import valkey_server
from scripts.stack.plan import Layout, Ports, prepare
from scripts.stack.tokens import load, read

OPERATIONS = CHECKOUT / "docs" / "operations.md"


def test_a_death_is_told_by_name() -> None:
    log = (
        "2026-11-24 12:00:00,123 INFO spawned: 'barista-api' with pid 7\n"
        "2026-11-24 12:00:05,123 WARN exited: barista-api (terminated by SIGKILL; not expected)\n"
        "2026-11-24 12:00:09,123 INFO gave up: valkey entered FATAL state, too many start retries\n"
    )
    assert deaths(log) == [
        "2026-11-24 12:00:05 barista-api died (terminated by SIGKILL) and is started again",
        "2026-11-24 12:00:09 valkey does not stay up: given up",
    ]


def test_an_orders_lines_come_from_all_logs_in_the_order_of_their_times(tmp_path: Path) -> None:
    line = '{{"time":"2026-11-24T12:00:0{}.000+00:00","api":"{}","event":"e","orderId":"o1"}}\n'
    (tmp_path / "a.log").write_text("stderr [0] :: " + line.format(2, "counter-api"))
    (tmp_path / "b.log").write_text("noise o1\n" + line.format(1, "barista-api"))
    lines = of_order(sorted(tmp_path.iterdir()), "o1")
    assert [each["api"] for each in lines] == ["barista-api", "counter-api"]
    assert render(lines[0]) == "12:00:01.000  barista-api  e"


def test_what_a_line_holds_does_not_reach_the_terminal_as_it_is() -> None:
    shown = render(
        {"time": "2026-11-24T12:00:00.000", "api": "a", "event": "e", "cause": "\x1b[2Jא\u202e"}
    )
    assert shown.endswith(r'cause="\u001b[2J\u05d0\u202e"')


def test_what_is_no_log_line_is_left_out() -> None:
    assert parse("Serving HTTP on http://127.0.0.1:5001/") is None
    assert parse('{"time":"cut sho') is None


def test_secrets_are_drawn_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load(path, 3905, tmp_path / "data")
    assert load(path, 4905, tmp_path / "data") == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(set(first.values())) == len(first)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"id_secret": "never-to-be-seen"',
        b"[]",
        b"null",
        b'"never-to-be-seen"',
        b'{"id_secret": ["never-to-be-seen"]}',
        b'{"sidecar_token": null, "id_secret": "never-to-be-seen"}',
        b'{"id_secret": "never-to-be-seen\xff"}',
    ],
)
def test_a_broken_secrets_file_is_one_line_that_says_what_to_do(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "secrets.json"
    path.write_bytes(content)
    with pytest.raises(Failure) as failure:
        load(path, 3905, tmp_path / "data")
    said = str(failure.value)
    assert str(path) in said
    assert "Restore it" in said
    assert "\n" not in said
    assert "never-to-be-seen" not in said
    assert path.read_bytes() == content


def test_a_folder_where_the_secrets_belong_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").mkdir()
    with pytest.raises(Failure, match=r"secrets\.json cannot be read"):
        load(tmp_path / "secrets.json", 3905, tmp_path / "data")


@pytest.fixture
def with_orders(tmp_path: Path) -> Path:
    """A stack's folder after its first start: its secrets, and a store that was written to."""
    load(tmp_path / "secrets.json", 3905, tmp_path / "data")
    log = tmp_path / "data" / "valkey" / "appendonlydir" / "appendonly.aof.1.incr.aof"
    log.parent.mkdir(parents=True)
    log.write_text("SET order")
    return tmp_path


def lose(path: Path) -> None:
    path.unlink()


def lose_the_id_secret(path: Path) -> None:
    known = json.loads(path.read_text())
    del known["id_secret"]
    path.write_text(json.dumps(known))


def empty_it(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "id_secret": ""}))


def replace_it(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "id_secret": "another"}))


@pytest.mark.parametrize("harm", [lose, lose_the_id_secret, empty_it, replace_it])
def test_an_id_secret_that_is_not_that_of_the_stored_orders_is_refused(
    harm: Callable[[Path], None], with_orders: Path
) -> None:
    path = with_orders / "secrets.json"
    whole = path.read_text()
    harm(path)
    for _ in range(2):  # the first refusal must not make the second a start
        with pytest.raises(Failure, match=r"id_secret, and .* holds orders .*make clean"):
            load(path, 3905, with_orders / "data")
    path.write_text(whole)
    assert load(path, 3905, with_orders / "data")["id_secret"] == json.loads(whole)["id_secret"]


def test_a_lost_secrets_file_of_an_empty_shop_is_drawn_anew(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load(path, 3905, tmp_path / "data")
    path.unlink()
    assert load(path, 3905, tmp_path / "data") != first


def test_other_secrets_may_be_drawn_anew_beside_stored_orders(with_orders: Path) -> None:
    path = with_orders / "secrets.json"
    path.write_text(json.dumps({"id_secret": read(path)["id_secret"]}))
    assert set(load(path, 3905, with_orders / "data")) > {"valkey_password", "sidecar_token"}


def test_any_password_opens_valkey(tmp_path: Path) -> None:
    """Written by the stack, read by the real server."""
    for password in ('a"b', "50%off", "it's \\ two words", "#no", "ü€", "$HOME `x`", "\\x41"):
        path = tmp_path / "secrets.json"
        path.write_text(json.dumps({"valkey_password": password}))
        layout = Layout(tmp_path)
        prepare(layout, Ports(0))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [str(valkey_server()), str(layout.run / "valkey.conf"), "--port", str(port)]
        with subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL) as server:
            try:
                assert answers(port, password), password
                with pytest.raises(valkey.AuthenticationError):
                    valkey.Valkey(port=port, password=password[:1]).ping()
            finally:
                server.terminate()


def answers(port: int, password: str) -> bool:
    deadline = time.monotonic() + 10
    while True:
        try:
            return bool(valkey.Valkey(port=port, password=password).ping())
        except valkey.ConnectionError as error:
            if isinstance(error, valkey.AuthenticationError) or time.monotonic() > deadline:
                return False
            time.sleep(0.02)


def test_late_answers_and_abandoned_orders_are_counted(tmp_path: Path) -> None:
    late = '{"time":"t","level":"warning","api":"counter-api","event":"report.late"}\n'
    (tmp_path / "counter-api.log").write_text(late * 2 + late.replace("late", "fine"))
    assert trouble(tmp_path.iterdir()) == [
        "2 reports that came after their order had ended (report.late)"
    ]


def test_what_is_counted_and_what_operators_are_told_of_is_logged_by_an_api() -> None:
    """A name that is not logged any more would be looked for in vain."""
    sources = "".join(path.read_text() for path in (CHECKOUT / "apps").rglob("*.py"))
    told = set(re.findall(r"log[a-z ]* `([a-z]+\.[a-z_]+)`", OPERATIONS.read_text()))
    assert len(told) > 5
    assert [each for each in sorted({*TROUBLE, *told}) if f'"{each}"' not in sources] == []


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a:1", "a", 1),
        ("10.0.0.1", "10.0.0.1", 6379),
        ("[::1]:5", "::1", 5),
        ("[::1]", "::1", 6379),
    ],
)
def test_a_broker_is_found_by_its_address(text: str, host: str, port: int) -> None:
    assert address(text) == (host, port)


@pytest.mark.parametrize("text", ["a:b", "a:0", "a:99999", "::1", ":1", "a b:1", "redis://a:1", ""])
def test_a_broker_that_has_no_such_address_is_named(text: str) -> None:
    with pytest.raises(Failure, match="--broker is"):
        address(text)


@pytest.mark.parametrize(("text", "wanted"), [("", False), ("0", False), ("1", True)])
def test_traces_are_wanted_or_not(text: str, wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFEESHOP_TRACES", text)
    assert zipkin.is_wanted() == wanted


def test_traces_that_are_neither_wanted_nor_not_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFEESHOP_TRACES", "false")
    with pytest.raises(Failure, match="TRACES is 'false'"):
        zipkin.is_wanted()


def test_the_id_secret_of_a_cluster_alone_cannot_be_applied_anew() -> None:
    documents = list(yaml.safe_load_all(cluster_secrets.render(cluster_secrets.draw())))
    immutable = [d["metadata"]["name"] for d in documents if d.get("immutable")]
    assert immutable == [cluster_secrets.ID_SECRET]


@pytest.mark.parametrize(
    ("switch", "adds"),
    [("run ONCE", "--once"), ("bench SHORT", "--short"), ("simulate EXHAUSTIVE", "--exhaustive")],
)
def test_a_switch_of_make_is_on_with_1_and_off_with_0(switch: str, adds: str) -> None:
    def said(value: str) -> str:
        command = ["make", "-n", *f"{switch}={value}".split()]
        ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        return ran.stdout + ran.stderr

    assert adds in said("1")
    assert adds not in said("0")
    assert adds not in said("")
    assert "may be 1, or 0 for none" in said("no")


@pytest.mark.parametrize("do", ["list", "pending"])
def test_a_command_says_at_which_stack_it_looked(
    do: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COFFEESHOP_HOME", str(tmp_path))
    monkeypatch.setenv("COFFEESHOP_PORT_OFFSET", "23")
    with pytest.raises(Failure, match=r"the stack \(COFFEESHOP_PORT_OFFSET=23\) is not up"):
        dead_letters.main([do])
    monkeypatch.setattr("scripts.operate.dead_letters.valkey.Valkey", EmptyBroker)
    dead_letters.main([do, "--broker", "broker.example:6380"])
    assert "at broker.example:6380." in capsys.readouterr().out
    status.main()
    assert "(COFFEESHOP_PORT_OFFSET=23)" in capsys.readouterr().out


class EmptyBroker:
    def __init__(self, *_: object, **_named: object) -> None:
        pass

    def xrange(self, _topic: str) -> list[object]:
        return []

    def exists(self, _topic: str) -> int:
        return 0
