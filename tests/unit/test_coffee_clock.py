"""`coffee`: ages are by the shop's clock, whatever this machine's says."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from coffee.client import ShopClient


@pytest.mark.parametrize(
    ("ahead", "heard"), [(600, 600), (-600, -600), (86_400, 86_400), (2, 0), (None, 0)]
)
def test_the_time_is_what_the_shop_says(
    ahead: int | None, heard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        if ahead is None:
            return httpx.Response(200, json={"items": []}, headers={"date": "yesterday"})
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
        return httpx.Response(200, json={"items": []}, headers={"date": date})

    shop = ShopClient("http://shop.example")
    monkeypatch.setattr(shop._client, "_mounts", {})
    monkeypatch.setattr(shop._client, "_transport", httpx.MockTransport(answer))
    shop.menu()
    difference = shop.now() - datetime.now(UTC)
    assert abs(difference - timedelta(seconds=heard)) < timedelta(seconds=2)
