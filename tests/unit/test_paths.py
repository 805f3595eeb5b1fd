"""What stands in paths: ids and numbers in their one form, and nothing else."""

import pytest

from coffeeshop import paths
from coffeeshop.http import Problem, Request

ID = "5a1b2c3d-0000-4000-8000-00000000abcd"


def request(**names: str) -> Request:
    async def no_body(limit: int) -> bytes:
        return b""

    return Request("GET", "/", lambda _: None, no_body, names)


def test_an_id_in_capitals_is_the_same_id() -> None:
    assert paths.order_id(request(id=ID.upper())) == ID


@pytest.mark.parametrize(
    "text",
    ["x", "x/../../metadata", f"{ID}\0", f" {ID}", f"{ID}x", "\x1b[2J", ID.replace("-", "")],
)
def test_what_cannot_be_an_id_is_404_and_is_not_said_again(text: str) -> None:
    with pytest.raises(Problem) as refused:
        paths.order_id(request(id=text))
    assert refused.value.status == 404
    assert text not in refused.value.detail


@pytest.mark.parametrize("text", ["", "x", "-1", "12345", "1.5", "²", "7/../.."])
def test_what_cannot_be_an_item_is_404(text: str) -> None:
    with pytest.raises(Problem) as refused:
        paths.item_type(request(itemType=text))
    assert refused.value.status == 404


def test_an_item_is_a_number() -> None:
    assert paths.item_type(request(itemType="0007")) == 7


@pytest.mark.parametrize(
    "text",
    ["", "x/../../metadata", "..", "Barista", "barista\0", "b" * 21, "barista?a=1", "k\u0131"],
)
def test_what_cannot_be_a_station_is_404_and_is_asked_of_no_sidecar(text: str) -> None:
    with pytest.raises(Problem) as refused:
        paths.station(request(station=text))
    assert refused.value.status == 404
