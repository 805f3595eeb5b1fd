"""How staff come to their station's screen: on any device, and without a token at first."""

import pytest
from browser import Opener
from floor import Floor, floor, tidy

__all__ = ["floor", "tidy"]


@pytest.mark.parametrize("width", [320, 360, 1024])
def test_way_to_each_view_is_in_sight(opened: Opener, tidy: Floor, width: int) -> None:
    page = opened(tidy.url, width=width)
    for name in ("Order", "My orders", "Board", "Pick-up", "Stations"):
        box = page.locator("nav").get_by_role("link", name=name, exact=True).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width, name
