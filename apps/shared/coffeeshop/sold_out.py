"""What a station has sold out ("86"): a list that staff change, and that the counter reads."""

from datetime import datetime

from coffeeshop.contracts import Document
from coffeeshop.fields import ItemType


class SoldOutItem(Document):
    itemType: ItemType
    since: datetime


class SoldOutList(Document):
    items: tuple[SoldOutItem, ...]
