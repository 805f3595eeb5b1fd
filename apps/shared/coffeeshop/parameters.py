"""Parameters of the query: each read and checked, and refused by its name. Raises `Problem` 422."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from coffeeshop.fields import Moment, name_of
from coffeeshop.http import Problem, invalid_fields
from coffeeshop.index import Entry
from coffeeshop.index_reader import Cursor, ShardCursor
from coffeeshop.operation import Parameter
from coffeeshop.responses import FieldError

MAX_WAIT_SECONDS = 30
PAGE = 20
MAX_PAGE = 100
CURSOR = Parameter("cursor", {"type": "string"}, "The `next` of an earlier page")

_ORDER_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MARK = r"(?:-1|\d{1,9}h?(?:@\d{1,15})?)"
_MOMENTS: TypeAdapter[datetime] = TypeAdapter(Moment)
_CURSOR = re.compile(rf"(\d{{1,15}}):({_ORDER_ID}):((?:{_MARK}(?:,{_MARK})*)?)")


def wait(query: Mapping[str, str]) -> int:
    """Seconds."""
    return _number(query, "wait", default=0, low=0, high=MAX_WAIT_SECONDS)


def limit_of(entries: str) -> Parameter:
    """How `limit` is described, of pages of these."""
    schema = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE}
    return Parameter("limit", schema, f"{entries} on a page")


def limit(query: Mapping[str, str]) -> int:
    """Entries on a page."""
    return _number(query, "limit", default=PAGE, low=1, high=MAX_PAGE)


def choice(query: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """One of the choices; the first one where the query has none."""
    value = query.get(name, choices[0])
    if value not in choices:
        message = f"must be {' or '.join(choices)}"
        raise invalid_fields([FieldError(field=name, message=message)])
    return value


def time(query: Mapping[str, str], name: str) -> datetime | None:
    """A date and a time with its zone."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return _MOMENTS.validate_python(text)
    except ValidationError:
        message = "must be a date and a time with its zone, such as 2026-11-24T10:00:00Z"
        raise invalid_fields([FieldError(field=name, message=message)]) from None


def flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise invalid_fields([FieldError(field=name, message="must be true or false")])
    return value == "true"


def _number(query: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 4 and low <= int(text) <= high:
        return int(text)
    message = f"must be a whole number from {low} to {high}"
    raise invalid_fields([FieldError(field=name, message=message)])


def encoded(cursor: Cursor) -> str:
    """The cursor as a page has it under `next`."""
    marks = ",".join(map(_encoded_mark, cursor.marks))
    text = f"{cursor.limit.at}:{cursor.limit.id}:{marks}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _encoded_mark(mark: ShardCursor) -> str:
    ceiling = "" if mark.ceiling is None else f"@{mark.ceiling}"
    return f"{mark.number}{'h' * mark.is_head}{ceiling}"


def _mark(text: str) -> ShardCursor:
    place, _, ceiling = text.partition("@")
    return ShardCursor(
        int(place.rstrip("h")), place.endswith("h"), int(ceiling) if ceiling else None
    )


def cursor(query: Mapping[str, str]) -> Cursor | None:
    """Where the page begins, if not at its list's beginning."""
    text = query.get("cursor")
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        found = _CURSOR.fullmatch(base64.b64decode(padded, "-_", validate=True).decode("ascii"))
    except ValueError:
        found = None
    if found is None:
        raise unknown_cursor()
    at, order_id, marks = found.groups()
    return Cursor(
        Entry(int(at), order_id),
        tuple(_mark(each) for each in marks.split(",") if each),
    )


def unknown_cursor() -> Problem:
    message = "must be the `next` of an earlier page"
    return invalid_fields([FieldError(field="cursor", message=message)])


def name(query: Mapping[str, str], field: str) -> str:
    """A person's name or number, as `contracts.Name` has it."""
    try:
        return name_of(query.get(field, ""))
    except ValueError as error:
        raise invalid_fields([FieldError(field=field, message=str(error))]) from None
