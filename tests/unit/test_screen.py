"""A station's screen in a terminal: what its keys do, and that it shows what is to be made."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from rich.console import Console

from coffee.client import ConfigError, Refused
from coffee.keys import parted
from coffee.screen import (
    DOWN,
    ENTER,
    ERASE,
    ESCAPE,
    REASONS,
    TAB,
    UP,
    Screen,
    Tap,
    called,
    line,
)
from coffee.staff import Station, found
from scripts.base.checkout import CHECKOUT

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ticket(order: str, *statuses: str, age: int = 60, **changes: Any) -> Any:
    items = [
        {"id": f"{order}-{n}", "name": drink, "status": status, "reason": None}
        for n, (drink, status) in enumerate(zip(("LATTE", "ESPRESSO"), statuses, strict=False), 1)
    ]
    return {
        "orderId": order,
        "number": 33,
        "name": "ann",
        "placedAt": (NOW - timedelta(seconds=age)).isoformat(),
        "final": False,
        "sequence": 1,
        "items": items,
        **changes,
    }


def screen(*tickets: Any) -> Screen:
    made = Screen()
    made.update({"tickets": tickets, "limits": {"slow": 180, "late": 360}})
    return made


def press(on: Screen, *keys: str) -> Tap | None:
    """What the last one of the keys did."""
    done = None
    for key in keys:
        done = on.press(key)
    return done


def shown(on: Screen, height: int = 40) -> str:
    out = io.StringIO()
    Console(file=out, width=120, markup=False, emoji=False, highlight=False).print(
        on.drawn(NOW, height)
    )
    return out.getvalue()


# Keys


def test_enter_starts_the_oldest_ticket_and_then_says_that_it_is_ready() -> None:
    waiting = screen(ticket("a", "QUEUED"), ticket("b", "QUEUED"))
    assert press(waiting, ENTER) == Tap("start", "a", None, None, "start No. 33 ann", 1)
    begun = screen(ticket("a", "STARTED"), ticket("b", "QUEUED"))
    assert press(begun, ENTER) == Tap("ready", "a", None, None, "ready No. 33 ann", 1)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("2",), "b"),
        ((DOWN, DOWN), "c"),
        (("j", "j", "k"), "b"),
        ((UP,), "a"),
        (("3", DOWN), "c"),
        (("9",), "a"),
    ],
)
def test_keys_choose_a_ticket(keys: tuple[str, ...], expected: str) -> None:
    on = screen(*(ticket(name, "QUEUED") for name in "abc"))
    tap = press(on, *keys, "s")
    assert tap is not None
    assert tap.order_id == expected


def test_tab_chooses_an_item_of_the_ticket_and_after_the_last_all_of_it() -> None:
    on = screen(ticket("a", "QUEUED", "QUEUED"))
    words = "start LATTE of No. 33 ann"
    assert press(on, TAB, "s") == Tap("start", "a", ("a-1",), None, words, 1)
    assert press(on, TAB, TAB, "s") == Tap(
        "start", "a", ("a-2",), None, words.replace("LATTE", "ESPRESSO"), 1
    )
    assert press(on, TAB, TAB, TAB, "s") == Tap("start", "a", None, None, "start No. 33 ann", 1)


def test_what_is_not_started_is_not_ready() -> None:
    on = screen(ticket("a", "STARTED", "QUEUED"))
    assert press(on, "r") is None
    assert on.note == "Start it first."
    tap = press(on, TAB, "r")
    assert tap is not None
    assert (tap.step, tap.items) == ("ready", ("a-1",))


def test_what_cannot_be_made_has_a_reason_of_a_list_or_of_ones_own() -> None:
    on = screen(ticket("a", "QUEUED"))
    tap = press(on, "f", "1")
    assert tap is not None
    assert (tap.step, tap.reason) == ("fail", "Sold out")
    tap = press(on, "f", "o", *"no milq", ERASE, "k", ENTER)
    assert tap is not None
    assert tap.reason == "no milk"


def test_a_reason_that_is_asked_for_can_be_left_out_and_then_nothing_was_done() -> None:
    on = screen(ticket("a", "QUEUED"))
    assert press(on, "f", ESCAPE) is None
    assert press(on, "f", "o", ENTER, ESCAPE) is None
    tap = press(on, "s")
    assert tap is not None
    assert tap.step == "start"


def test_while_a_reason_is_asked_for_it_is_the_same_tickets() -> None:
    """Though an older one comes."""
    on = screen(ticket("b", "QUEUED"))
    press(on, "f")
    on.update({"tickets": [ticket("a", "QUEUED"), ticket("b", "QUEUED")], "limits": LIMITS})
    tap = press(on, "1")
    assert tap is not None
    assert tap.order_id == "b"


@pytest.mark.parametrize("keys", [("2", "f"), ("2", "f", "o", "x")])
def test_a_reason_is_never_another_tickets(keys: tuple[str, ...]) -> None:
    """The ticket that it was asked for ends meanwhile."""
    on = screen(ticket("a", "QUEUED"), ticket("b", "QUEUED"))
    press(on, *keys)
    on.update({"tickets": [ticket("a", "QUEUED")], "limits": LIMITS})
    assert press(on, "1", ENTER) == Tap("start", "a", None, None, "start No. 33 ann", 1)


def test_reasons_are_those_of_the_page() -> None:
    page = (CHECKOUT / "apps" / "page" / "src" / "station" / "dialogs.tsx").read_text()
    assert f"REASONS = {json.dumps(list(REASONS))}" in page


LIMITS = {"slow": 180, "late": 360}


def test_a_ticket_that_has_ended_is_not_chosen_any_more() -> None:
    on = screen(ticket("a", "STARTED"), ticket("b", "QUEUED"))
    press(on, "1")
    on.update(
        {"tickets": [ticket("a", "READY", final=True), ticket("b", "QUEUED")], "limits": LIMITS}
    )
    tap = press(on, "s")
    assert tap is not None
    assert tap.order_id == "b"


@pytest.mark.parametrize("key", [ENTER, "s", "r", "f", TAB, UP, "1"])
def test_where_nothing_is_to_be_made_no_key_does_anything(key: str) -> None:
    assert press(screen(), key) is None


def test_q_ends_it() -> None:
    on = screen()
    press(on, "q")
    assert on.has_ended


def test_keys_of_a_terminal_are_told_apart() -> None:
    typed = "a\x1b[A1\x1bOB\t\r\n\x7f\x1b\x1b[Zé\x00"
    expected = ["a", UP, "1", DOWN, TAB, ENTER, ENTER, ERASE, ESCAPE, "é"]
    assert list(parted(typed)) == expected


# How it looks


def test_a_card_has_number_name_age_and_items() -> None:
    text = shown(screen(ticket("a", "QUEUED", "STARTED", age=125)))
    assert "1 No. 33 ann  2:05" in text
    assert "LATTE" in text
    assert "waiting" in text
    assert "being made" in text


def test_a_ticket_without_number_and_name_has_its_orders_id() -> None:
    assert called(ticket("5a1b2c3d-0000", "QUEUED", number=None, name=None)) == "5a1b2c3d"


def test_names_are_shown_as_they_may_be() -> None:
    odd = ticket("a", "QUEUED", name="[red]\x1b[2J")
    assert "\x1b" not in shown(screen(odd))
    assert "[red]" in shown(screen(odd))
    assert "\x1b" not in line(odd).plain


def test_an_item_that_somebody_else_makes_has_their_name() -> None:
    on = screen(ticket("a", "STARTED"))
    on.by = "ann"
    on.tickets[0]["items"][0]["startedBy"] = "bob"
    assert "by bob" in shown(on)
    assert "You are ann" in shown(on)
    on.tickets[0]["items"][0]["startedBy"] = "ann"
    assert "by ann" not in shown(on)


def test_an_empty_screen_says_why_it_is_empty() -> None:
    assert "on their way" in shown(Screen())
    assert "Nothing is to be made." in shown(screen())
    by_itself = Screen()
    by_itself.update({"tickets": [], "limits": LIMITS, "byStaff": False})
    assert "makes by itself" in shown(by_itself)


def test_what_does_not_fit_is_counted() -> None:
    text = shown(screen(*(ticket(str(n), "QUEUED") for n in range(20))), height=16)
    assert "and 14 more" in text


def test_what_was_not_sent_is_said() -> None:
    on = screen(ticket("a", "QUEUED"))
    on.unsent, on.is_offline = ["start No. 33 ann"], True
    text = shown(on)
    assert "Not sent yet: start No. 33 ann" in text
    assert "cannot be reached" in text


# The station


_CLIENT = httpx.Client


def served(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[httpx.Request]:
    """Every request is answered by the function; gives the requests."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given: httpx.Response = answer(request)
        return given

    def client(**options: Any) -> httpx.Client:
        return _CLIENT(**options, transport=httpx.MockTransport(handle))

    monkeypatch.setattr(httpx, "Client", client)
    monkeypatch.delenv("COFFEESHOP_STATION_URL", raising=False)
    return asked


def only_at(port: int) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port != port:
            raise httpx.ConnectError("nobody")
        return httpx.Response(200, json={"ended": 0, "open": 0})

    return answer


def test_a_station_is_at_the_shops_address_or_at_a_port_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(monkeypatch, only_at(5004))
    assert found("kitchen", "http://127.0.0.1:5002") == "http://127.0.0.1:5004"
    served(monkeypatch, only_at(5002))
    assert found("kitchen", "http://127.0.0.1:5002/") == "http://127.0.0.1:5002"
    with pytest.raises(Refused, match="COFFEESHOP_STATION_URL"):
        found("kitchen", "http://127.0.0.1:6000")


def test_a_station_that_is_not_there_is_told_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = {"items": [{"station": "kitchen"}, {"station": "barista"}]}

    def answer(request: httpx.Request) -> httpx.Response:
        is_menu = request.url.path == "/v1/api/menu"
        return httpx.Response(200, json=items) if is_menu else httpx.Response(404)

    served(monkeypatch, answer)
    with pytest.raises(Refused, match="The menu has barista, kitchen"):
        found("drinks", "http://127.0.0.1:6000")


def test_a_station_elsewhere_is_not_looked_for_at_other_ports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = served(monkeypatch, lambda _: httpx.Response(404))
    with pytest.raises(Refused):
        found("kitchen", "https://shop.example:8443")
    assert {request.url.port for request in asked} == {8443}


def test_a_stations_own_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFEESHOP_STATION_URL", "http://bar.example")
    assert found("barista", "http://127.0.0.1:5002") == "http://bar.example"
    monkeypatch.setenv("COFFEESHOP_STATION_URL", "bar")
    with pytest.raises(ConfigError):
        found("barista", "http://127.0.0.1:5002")


@pytest.mark.parametrize("name", ["", "Barista", "bar/../", "b" * 21])
def test_what_cannot_be_a_stations_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(Refused):
        found(name, "http://127.0.0.1:5002")


def test_a_day_is_closed_until_nothing_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([(100, 120), (100, 20), (20, 0)])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={})
        ended, still_open = next(left)
        return httpx.Response(200, json={"ended": ended, "open": still_open})

    monkeypatch.setenv("COFFEESHOP_STAFF_TOKEN", "secret")
    asked = served(monkeypatch, answer)
    assert Station("barista", "http://127.0.0.1:5002").close_day("ann", "closed") == 220
    assert asked[-1].url.path == "/v1/api/barista/close-day"
    assert asked[-1].headers["authorization"] == "Bearer secret"


def test_a_tap_says_who_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = served(monkeypatch, lambda _: httpx.Response(200, json={"orderId": "a"}))
    at = Station("barista", "http://127.0.0.1:5002")
    at.tap("start", "a", "ann")
    assert (asked[-1].url.path, asked[-1].content) == (
        "/v1/api/barista/tickets/a/start",
        b'{"by":"ann"}',
    )
    at.tap("fail", "a", "ann", ("a-1",), "sold out")
    assert asked[-1].content == b'{"by":"ann","items":["a-1"],"reason":"sold out"}'


def test_a_tap_names_the_version_that_was_seen_and_a_faster_one_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else two persons would make the same thing."""
    asked = served(
        monkeypatch,
        lambda request: httpx.Response(200 if request.method == "GET" else 412, json={}),
    )
    with pytest.raises(Refused, match="Somebody was faster"):
        Station("barista", "http://127.0.0.1:5002").tap("start", "a", "ann", seen=3)
    assert asked[-1].headers["if-match"] == '"3"'


@pytest.mark.parametrize(("given", "told"), [("", "wants a token"), ("old", "does not take")])
def test_a_token_that_is_not_taken_is_told_from_one_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, given: str, told: str
) -> None:
    monkeypatch.setenv("COFFEESHOP_STAFF_TOKEN", given)
    served(
        monkeypatch, lambda request: httpx.Response(200 if "openapi" in request.url.path else 401)
    )
    with pytest.raises(Refused, match=told):
        Station("barista", "http://127.0.0.1:5002").tickets("open", 5)
