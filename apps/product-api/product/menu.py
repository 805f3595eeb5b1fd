"""The menu: what the shop sells, for how much, and which station makes it."""

from decimal import Decimal

from coffeeshop.contracts import MenuItem, Station


def _item(item_type: int, name: str, price: str, station: Station) -> MenuItem:
    return MenuItem(
        itemType=item_type,
        name=name,
        price=Decimal(price),
        station=station,
        image=f"/v1-item-images/{item_type}",
    )


MENU = (
    _item(0, "CAPPUCCINO", "4.50", Station.BARISTA),
    _item(1, "COFFEE_BLACK", "3.00", Station.BARISTA),
    _item(2, "COFFEE_WITH_ROOM", "3.00", Station.BARISTA),
    _item(3, "ESPRESSO", "3.50", Station.BARISTA),
    _item(4, "ESPRESSO_DOUBLE", "4.50", Station.BARISTA),
    _item(5, "LATTE", "4.50", Station.BARISTA),
    _item(6, "CAKEPOP", "2.50", Station.KITCHEN),
    _item(7, "CROISSANT", "3.25", Station.KITCHEN),
    _item(8, "MUFFIN", "3.00", Station.KITCHEN),
    _item(9, "CROISSANT_CHOCOLATE", "3.50", Station.KITCHEN),
)
