"""A setting that cannot be used is named when the API starts, and never shown if it is secret."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from coffeeshop.api import Api
from coffeeshop.environment import Environment
from coffeeshop.http import Request, Response, Route, health
from coffeeshop.settings import ALWAYS_NEEDED, NAMES, Settings

TOKENS = ("sidecar_token", "app_token", "pos_token", "staff_token")
SECRETS = (*TOKENS, "id_secret")
WHOLE = {"sidecar_token": "s", "app_token": "a", "id_secret": "i"}


def wrong(**changes: str) -> list[str]:
    found = Settings(**{**WHOLE, **changes}).invalid(ALWAYS_NEEDED)
    return [each.name for each in found]


def test_the_defaults_with_secrets_are_right() -> None:
    assert wrong() == []


@pytest.mark.parametrize("value", ["1", "300", "86400"])
def test_a_deadline_in_the_range_is_right(value: str) -> None:
    assert wrong(order_deadline_seconds=value) == []


@pytest.mark.parametrize(
    "value",
    ["", "abc", "1e3", "0", "-5", "300.0", " 300", "300\n", "1_000", "٣٠٠", "86401", "9" * 5000],
)
def test_a_deadline_that_is_no_number_of_seconds_in_the_range_is_named(value: str) -> None:
    assert wrong(order_deadline_seconds=value) == ["order_deadline_seconds"]


@pytest.mark.parametrize("value", ["", "0", "65536", "http", "3500/tcp", "-1", "3500 "])
def test_a_port_that_is_none_is_named(value: str) -> None:
    assert wrong(sidecar_port=value) == ["sidecar_port"]


@pytest.mark.parametrize(
    "value", ["127.0.0.1", "counter-api-dapr", "a.b.svc", "[::1]", "[fd00::2]"]
)
def test_a_host_is_right(value: str) -> None:
    assert wrong(sidecar_host=value) == []


@pytest.mark.parametrize("value", ["", "http://x", "a b", "x:3500", "::1", "x/y", "-x", "x\n", "ü"])
def test_a_host_that_is_none_is_named(value: str) -> None:
    assert wrong(sidecar_host=value) == ["sidecar_host"]


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize(
    "value", ['a"b', "50%off", "it's", "a b", "x;y #z", "\\", "$HOME", "=,", "~"]
)
def test_a_token_of_visible_characters_is_right(name: str, value: str) -> None:
    assert wrong(**{name: value}) == []


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize(
    "value", ["abc\n", " abc", "abc ", "tökén", "a\tb", "a\x00b", " ", "x" * 1025]
)
def test_a_token_that_no_header_carries_whole_is_named(name: str, value: str) -> None:
    assert wrong(**{name: value}) == [name]


@pytest.mark.parametrize("name", ["pos_token", "staff_token"])
def test_an_empty_token_of_people_switches_its_check_off(name: str) -> None:
    assert wrong(**{name: ""}) == []


@pytest.mark.parametrize("name", ["sidecar_token", "app_token", "id_secret"])
def test_a_secret_that_is_needed_and_empty_is_named(name: str) -> None:
    """An empty app token would let anybody send events."""
    settings = Settings(**{**WHOLE, name: ""})
    (found,) = settings.invalid((*ALWAYS_NEEDED, "id_secret"))
    assert str(found) == f"{name} must be set"


@pytest.mark.parametrize("value", ["short", "line\n", "ünïcode", " "])
def test_an_id_secret_is_any_text_for_it_must_do_for_ever(value: str) -> None:
    assert wrong(id_secret=value) == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_in_no_text_form(name: str) -> None:
    value = "never-to-be-seen\n"
    settings = Settings(**{**WHOLE, name: value})
    assert "never-to-be-seen" not in f"{settings!r} {settings} {settings.invalid()!r}"


def answered(
    settings: Settings,
    target: str,
    name: str = "counter-api",
    needed: tuple[str, ...] = (*ALWAYS_NEEDED, "id_secret"),
) -> Response:
    api = Api(name, lambda _: [Route("GET", "/page", health)], lambda _: b"{}", needed=needed)

    async def no_body(limit: int) -> bytes:
        return b""

    async def no_sleep(_seconds: float) -> None:
        return

    env = Environment(settings, _nothing(), lambda: datetime.now(UTC), bytes, no_sleep)
    started = api.start(env)

    async def ask() -> Response:
        return await started(Request("GET", target, lambda _name: None, no_body))

    return asyncio.run(ask())


def _nothing() -> Any:
    return None


def test_an_api_with_right_settings_answers() -> None:
    assert answered(Settings(**WHOLE), "/healthz/counter").status == 204


@pytest.mark.parametrize("target", ["/healthz/counter", "/page", "/nowhere"])
def test_an_api_with_wrong_settings_is_unwell_and_logs_a_line_for_each(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(**{**WHOLE, "order_deadline_seconds": "1e3", "pos_token": "secret\n"})
    answer = answered(settings, target)
    assert answer.status == 503
    detail = json.loads(answer.body)["detail"]
    assert detail == (
        "counter-api is not set up: pos_token must be at most 1024 visible ASCII characters, "
        "blanks only between them; order_deadline_seconds must be a whole number of seconds "
        "from 1 to 86400."
    )
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["setting"]) for line in lines] == [
        ("setting.invalid", "pos_token"),
        ("setting.invalid", "order_deadline_seconds"),
    ]
    assert {line["api"] for line in lines} == {"counter-api"}
    assert "secret" not in answer.body.decode()


@pytest.mark.parametrize("value", ["Kitchen", "the kitchen", "kitchen1", "x" * 21, "kitchen\n"])
def test_a_station_whose_name_no_topic_could_have_is_named(value: str) -> None:
    assert wrong(station=value) == ["station"]


@pytest.mark.parametrize(
    ("station", "detail"),
    [
        ("kitchen", "kitchen-api is not set up: sidecar_token must be set."),
        ("", "station-api is not set up: sidecar_token must be set; station must be set."),
    ],
)
def test_a_station_with_wrong_settings_is_called_by_its_name_if_it_has_one(
    station: str, detail: str
) -> None:
    settings = Settings(app_token="a", station=station)
    answer = answered(settings, "/", "{station}-api", (*ALWAYS_NEEDED, "station"))
    assert json.loads(answer.body)["detail"] == detail


@pytest.mark.parametrize(("value", "is_staffed"), [("at-once", False), ("by-staff", True)])
def test_a_station_makes_at_once_or_by_staff(value: str, is_staffed: bool) -> None:
    assert wrong(making=value) == []
    assert Settings(making=value).is_staffed is is_staffed


@pytest.mark.parametrize("value", ["", "staff", "By-Staff", "by-staff\n", "at once"])
def test_another_way_of_making_is_named(value: str) -> None:
    assert wrong(making=value) == ["making"]


def test_a_ticket_is_not_late_before_it_is_slow() -> None:
    assert wrong(ticket_slow_seconds="60", ticket_late_seconds="60") == []
    assert wrong(ticket_slow_seconds="61", ticket_late_seconds="60") == ["ticket_late_seconds"]
    assert wrong(ticket_slow_seconds="x", ticket_late_seconds="60") == ["ticket_slow_seconds"]


def test_every_setting_is_checked() -> None:
    """Newlines, blanks and characters of no code page: something of it is wrong for each."""
    nonsense = {name: " \n☕" for name in NAMES if name != "id_secret"}
    assert set(wrong(**nonsense)) == set(nonsense)
