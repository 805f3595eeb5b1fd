"""The kinds of values that the contracts' fields hold, each with its limits."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from coffeeshop.text import accepted


class Station(str):
    """A station's name. The menu says which stations there are: no code lists them."""

    BARISTA: ClassVar["Station"]
    KITCHEN: ClassVar["Station"]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _: GetCoreSchemaHandler) -> CoreSchema:
        name = core_schema.str_schema(pattern="^[a-z]{1,20}$")
        return core_schema.no_info_after_validator_function(cls, name)


Station.BARISTA = Station("barista")
Station.KITCHEN = Station("kitchen")

Money = Annotated[
    Decimal,
    Field(ge=0, decimal_places=2, max_digits=9),
    # A reader of 4.5 passes it on as 4.50: `with_numbers` knows money by its two decimals.
    AfterValidator(lambda amount: amount.quantize(Decimal("0.01"))),
    # Described as the wire has it (`with_numbers`), not as pydantic would write it.
    WithJsonSchema({"type": "number", "minimum": 0, "description": "US dollars, two decimals"}),
]
"""US dollars with two decimals."""

Amount = Annotated[
    str,
    WithJsonSchema({"type": "number", "minimum": 0, "description": "US dollars, two decimals"}),
]
"""Money that is only written, with its two decimals: a `Decimal` costs twice as much to make and to
write."""

ItemType = Annotated[int, Field(strict=True, ge=0, le=9999)]
"""The number of an item on the menu."""

MAX_NAME = 200
"""Characters."""


def name_of(text: str) -> str:
    """The text as a name. Raises `ValueError`, in words for people. What is composed may be longer
    than what came: a name that was accepted once must be again."""
    for each in (text, kept := accepted(text)):
        if len(each) > MAX_NAME:
            raise ValueError(f"may have at most {MAX_NAME} characters")
    return kept


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(name_of)]
"""What a person is called, by the rule of `coffeeshop.text`."""


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _order_id(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise ValueError("must be the id of an order")
    return text


# The published schema says "string", so that this check is no pattern: it would be a new version.
OrderId = Annotated[str, AfterValidator(_order_id)]
"""A UUID in lower case. It becomes part of keys."""


def _dated(value: object) -> object:
    # pydantic would take a number, also as a text, for seconds; None is no time to it.
    return value if isinstance(value, str) and value[4:5] == "-" else None


Moment = Annotated[AwareDatetime, BeforeValidator(_dated, json_schema_input_type=datetime)]
"""A date and a time, with its zone: one without is another moment for each reader."""
