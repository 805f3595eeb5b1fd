"""Parameters of the query: what is taken, and that a refusal names the parameter."""

from collections.abc import Callable
from typing import Any

import pytest

from coffeeshop import parameters
from coffeeshop.http import Problem
from coffeeshop.index import Entry
from coffeeshop.index_reader import Cursor, ShardCursor

ID = "5a1b2c3d-0000-4000-8000-00000000abcd"


def refused(read: Callable[[dict[str, str]], Any], name: str, value: str) -> None:
    with pytest.raises(Problem) as problem:
        read({name: value})
    assert problem.value.status == 422
    assert [error.field for error in problem.value.errors] == [name]


def test_a_number_that_is_missing_is_the_default() -> None:
    assert (parameters.wait({}), parameters.limit({})) == (0, 20)


@pytest.mark.parametrize("value", ["", "-1", "31", "1.5", "x", "00000", "²"])
def test_a_wait_that_is_no_number_in_its_range_is_refused(value: str) -> None:
    refused(parameters.wait, "wait", value)


@pytest.mark.parametrize("value", ["0", "101", "ten"])
def test_a_limit_that_is_no_number_in_its_range_is_refused(value: str) -> None:
    refused(parameters.limit, "limit", value)


@pytest.mark.parametrize("value", ["", "1", "True"])
def test_a_flag_that_is_neither_true_nor_false_is_refused(value: str) -> None:
    refused(lambda query: parameters.flag(query, "changes"), "changes", value)


@pytest.mark.parametrize("value", ["", " ", "\0", "a\x1b[0m", "x" * 201])
def test_a_name_that_breaks_the_rule_for_names_is_refused(value: str) -> None:
    refused(lambda query: parameters.name(query, "who"), "who", value)


def test_a_name_is_read_in_its_one_form() -> None:
    assert parameters.name({"who": " Jose\u0301 "}, "who") == "Jos\u00e9"


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = Cursor(
        Entry(1_800_000_000_000, ID),
        (ShardCursor(3, True), ShardCursor(-1, False), ShardCursor(2, False)),
    )
    assert parameters.cursor({"cursor": parameters.encoded(cursor)}) == cursor
    assert parameters.cursor({}) is None


@pytest.mark.parametrize("value", ["", "x", "!", "AAAA", "é", "a" * 5000])
def test_a_cursor_that_no_page_gave_is_refused(value: str) -> None:
    refused(parameters.cursor, "cursor", value)
