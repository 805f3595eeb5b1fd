"""What the scripts read: supervisord's log and the guests' log lines."""

from pathlib import Path

from scripts.logs import of_order, parse, render
from scripts.status import deaths, trouble
from scripts.tokens import load


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
    first = load(path, 3905)
    assert load(path, 4905) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(set(first.values())) == len(first)


def test_late_answers_and_abandoned_orders_are_counted(tmp_path: Path) -> None:
    late = '{"time":"t","level":"warning","api":"counter-api","event":"answer.late"}\n'
    (tmp_path / "counter-api.log").write_text(late * 2 + late.replace("late", "fine"))
    assert trouble(tmp_path.iterdir()) == [
        "2 answers that came after their order had ended (answer.late)"
    ]
