"""How `coffee` shows what others wrote: in its place, without markup, readable in 80 columns."""
# ruff: noqa: RUF001 - names of many scripts, some of whose letters look like Latin ones

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from coffee import cli, show
from coffee.client import Refused, ShopClient, explain, options

NOW = datetime.now(UTC)
CHEF = "👩\u200d🍳"
ID = "5a1b2c3d-0000-4000-8000-00000000abcd"


def item(name: str = "LATTE", status: str = "READY", reason: str | None = None) -> Any:
    return {"name": name, "price": 4.5, "status": status, "reason": reason}


def order(**changes: Any) -> Any:
    return {
        "id": ID,
        "number": 33,
        "loyaltyMemberId": "ann",
        "placedAt": NOW.isoformat(),
        "estimateSeconds": None,
        "total": 4.5,
        "due": 4.5,
        "status": "FULFILLED",
        "items": [item()],
        **changes,
    }


def lines(shown: RenderableType, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, markup=False, emoji=False, highlight=False).print(shown)
    return [line.rstrip() for line in out.getvalue().splitlines()]


ODD = ("[/]", "[red]ann", ":coffee:", "\x1b[2Jann", "ann\u202e", "דוד", CHEF * 20, "a\nb")


@pytest.mark.parametrize("name", ODD)
def test_whatever_a_name_or_an_item_is_called_it_is_shown_and_no_more(name: str) -> None:
    odd = order(loyaltyMemberId=name, items=[item(name, "FAILED", f"{name} is sold out.")])
    views = [show.receipt(odd), show.orders([odd]), show.board([odd], 5), show.line(odd)]
    menu = [{"name": name, "price": 1.0, "station": name, "available": None}]
    for view in (*views, show.menu(menu)):
        text = "\n".join(lines(view))
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert ("[/]" in text) == (name == "[/]")
        assert (":coffee:" in text) == (name == ":coffee:")


def test_a_name_from_right_to_left_does_not_turn_the_line_round() -> None:
    assert "\u2068דוד\u2069, " in lines(show.receipt(order(loyaltyMemberId="דוד")))[0]


@pytest.mark.parametrize("character", [CHEF, "🇩🇪", "e\u0301", "한", "👍🏽"])
def test_what_is_cut_is_cut_between_characters(character: str) -> None:
    for cells in range(2, 20):
        text = show.cut(character * 30, cells).plain
        assert cell_len(text) <= cells
        assert text.removesuffix("…") == character * text.count(character)
    assert show.cut(character, 5).plain == character


def test_equal_items_are_one_line() -> None:
    twelve = order(items=[item()] * 12 + [item(status="FAILED", reason="sold out"), item("MUFFIN")])
    text = lines(show.receipt(twelve))
    assert sum("LATTE" in line for line in text) == 2
    assert any("12 ×" in line and "$54.00" in line and "ready" in line for line in text)
    assert show.summary(twelve["items"]).plain == "13 × LATTE, MUFFIN"


@pytest.mark.parametrize("width", [80, 100])
def test_a_customers_orders_are_a_line_each(width: int) -> None:
    some = [order(items=[item("COFFEE_BLACK")], total=1234.5, status="IN_PROGRESS")] * 3
    text = lines(show.orders(some), width)
    assert max(map(len, text)) <= width
    assert sum("COFFEE_BLACK" in line and "5a1b2c3d" in line for line in text) == 3


def test_a_board_keeps_to_its_columns() -> None:
    long_ago = order(loyaltyMemberId="x" * 200, placedAt="2020-01-01T00:00:00Z")
    text = lines(show.board([long_ago, order()], 5))
    assert max(map(cell_len, text)) <= 80
    assert len(text) == 7


def test_a_board_has_what_was_cancelled_where_something_was() -> None:
    assert "cancelled 1" in "".join(lines(show.board([order(status="CANCELLED")], 5)))
    assert "cancelled" not in "".join(lines(show.board([order()], 5)))


def test_statuses_are_in_words() -> None:
    words = [show.status(s).plain for s in ("IN_PROGRESS", "FULFILLED", "PICKED_UP")]
    assert words == ["in preparation", "ready", "picked up"]


def test_a_time_has_its_date_where_the_day_is_not_today() -> None:
    noon = datetime(NOW.year, 6, 15, 12).astimezone()
    assert show.clock(noon.isoformat(), noon) == f"{noon:%H:%M}"
    assert show.clock((noon - timedelta(days=1)).isoformat(), noon) == "14 Jun 12:00"
    last_year = datetime(NOW.year - 1, 6, 15, 12).astimezone()
    assert show.clock(last_year.isoformat(), noon) == f"{last_year:%Y}-06-15 12:00"


def test_a_board_in_a_pipe_tells_each_change_once() -> None:
    a, b = order(id="a", status="PLACED"), order(id="b", status="PLACED")
    ready = {**a, "status": "FULFILLED"}
    pages = [[a], [a], [b, a], [b, ready], [b]]
    assert list(cli._changes(pages)) == [a, b, ready]


class _Board(ShopClient):
    """A shop that knows some orders."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def orders(self, limit: int, status: str | None = None) -> list[Any]:  # noqa: ARG002
        return [{"id": each} for each in self._ids]


def test_an_order_is_called_by_the_beginning_of_its_id() -> None:
    shop = _Board(ID, "5a1b0000-0000-4000-8000-000000000000")
    assert shop.whole_id("5A1B2") == ID
    assert shop.whole_id(ID) == ID
    for wrong in ("5a1b", "ffff"):
        with pytest.raises(Refused, match="the whole id"):
            shop.whole_id(wrong)


@pytest.mark.parametrize(
    ("url", "by_proxy"),
    [
        ("http://127.0.0.1:5002", False),
        ("http://localhost:5002", False),
        ("http://[::1]:5002", False),
        ("http://10.0.0.7:5002", True),
        ("https://shop.example", True),
    ],
)
def test_a_shop_on_this_machine_is_not_asked_for_through_a_proxy(url: str, by_proxy: bool) -> None:
    assert options(url)["trust_env"] is by_proxy


def test_a_refusal_is_told_in_the_words_of_the_command_line() -> None:
    errors = [{"field": "loyaltyMemberId", "message": "must not be blank"}]
    answer = httpx.Response(422, json={"detail": "Some fields are wrong.", "errors": errors})
    assert explain(answer) == "Some fields are wrong.\n  --as: must not be blank"
    assert "not as a shop does" in explain(httpx.Response(404, text="<html>"))
    assert "not as a shop does" in explain(httpx.Response(404, json=["x"]))
