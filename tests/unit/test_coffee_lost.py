"""`coffee order`: an answer that is lost is not taken for an order that was not placed."""

from collections.abc import Callable

import httpx
import pytest

from coffee.client import Refused, ShopClient, Unreachable

ITEM = {"itemType": 1}
Answer = Callable[[httpx.Request], httpx.Response]


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("The answer was lost.", request=request)


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Nobody listens.", request=request)


def refused(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, text="no such backend")


def placing(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> ShopClient:
    """A client that gets these answers, the last one again and again."""
    left = list(answers)
    shop = ShopClient("http://shop.example")
    monkeypatch.setattr(shop, "PATIENCE", 1.0)
    monkeypatch.setattr("coffee.client.time.sleep", lambda _: None)
    transport = httpx.MockTransport(lambda r: (left.pop(0) if len(left) > 1 else left[0])(r))
    monkeypatch.setattr(
        shop, "_client", httpx.Client(transport=transport, base_url="http://shop.example")
    )
    return shop


@pytest.mark.parametrize("answers", [(lost,), (lost, away), (lost, refused)])
def test_an_order_whose_answer_was_lost_may_have_been_placed(
    answers: tuple[Answer, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unreachable, match=r"may have been placed: see `coffee mine`"):
        placing(monkeypatch, *answers).place("ann", [ITEM])


def test_an_order_that_reached_nobody_was_not_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable) as told:
        placing(monkeypatch, away).place("ann", [ITEM])
    assert "may have been placed" not in str(told.value)
    with pytest.raises(Refused):
        placing(monkeypatch, refused).place("ann", [ITEM])
