"""What stands in paths: an order's id, an item's number, a station. Each is read and described
here."""

import re
from collections.abc import Mapping
from typing import Any

from coffeeshop.fields import Station
from coffeeshop.request import Request
from coffeeshop.responses import Problem

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "string", "format": "uuid"},
    "itemType": {"type": "integer", "minimum": 0, "maximum": 9999},
    "station": {"type": "string", "pattern": "^[a-z]{1,20}$"},
}
"""JSON Schemas, by the names in the paths."""

_STATION = re.compile(r"[a-z]{1,20}")
_ORDER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def order_id(request: Request) -> str:
    """The order that the path names, its id in its one form: it becomes part of keys. Raises
    `Problem` 404 for what cannot be one."""
    text = request.path_params["id"].lower()
    if not _ORDER_ID.fullmatch(text):
        raise Problem(404, "There is no such order: its id is not one of ours.")
    return text


def item_type(request: Request) -> int:
    """The item that the path names. Raises `Problem` 404 for what cannot be one."""
    text = request.path_params["itemType"]
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Problem(404, "There is no such item: its number has one to four digits.")
    return int(text)


def station(request: Request) -> Station:
    """The station that the path names. Raises `Problem` 404 for what cannot be one."""
    text = request.path_params["station"]
    if not _STATION.fullmatch(text):
        raise Problem(404, "There is no such station: its name has letters from a to z.")
    return Station(text)
