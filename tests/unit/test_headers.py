"""A header's fields: what is repeated is a list, or refused by its name."""

import pytest

from coffeeshop.headers import Headers
from coffeeshop.http import Problem


def test_a_field_is_found_by_its_name() -> None:
    headers = Headers([("accept", "*/*"), ("prefer", "wait=5")])
    assert (headers("prefer"), headers("authorization")) == ("wait=5", None)


def test_a_repeated_field_is_one_list() -> None:
    headers = Headers([("baggage", "a=1"), ("accept", "*/*"), ("baggage", "b=2")])
    assert (headers("baggage"), headers("accept")) == ("a=1, b=2", "*/*")


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key"])
@pytest.mark.parametrize("second", ["one", "another", ""])
def test_a_field_of_one_value_that_is_repeated_is_refused_by_its_name(
    name: str, second: str
) -> None:
    headers = Headers([(name.lower(), "one"), ("accept", "*/*"), (name.lower(), second)])
    assert headers("accept") == "*/*"
    with pytest.raises(Problem, match=f"{name} must be given once") as refused:
        headers(name.lower())
    assert refused.value.status == 400


def test_a_token_that_is_shown_twice_is_none() -> None:
    """The sidecar's own is compared as a whole."""
    headers = Headers([("dapr-api-token", "right"), ("dapr-api-token", "wrong")])
    assert headers("dapr-api-token") != "right"
