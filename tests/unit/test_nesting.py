"""JSON that is too deep for a parser is cut off, and only there."""

import json

from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.nesting import cut

DEEP = b"[" * 5000 + b"]" * 5000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


def test_what_is_too_deep_is_empty_and_the_rest_is_as_it_was() -> None:
    document = b'{"a":1,"deep":%s,"text":"[[[\\"[{","b":[{"c":[]}]}' % DEEP
    found = json.loads(cut(document, 4))
    assert found == {"a": 1, "deep": [[[]]], "text": '[[["[{', "b": [{"c": []}]}


@given(JSON)
def test_a_document_that_is_not_too_deep_stays_as_it_is(document: object) -> None:
    text = json.dumps(document).encode()
    assert cut(text, 100) == text


@given(JSON, st.integers(1, 4))
def test_what_is_left_is_json_of_so_many_levels(document: object, levels: int) -> None:
    def depth(found: object) -> int:
        parts = found.values() if isinstance(found, dict) else found
        return (
            1 + max(map(depth, parts), default=0)
            if isinstance(parts, list | type({}.values()))
            else 0
        )

    assert depth(json.loads(cut(json.dumps(document).encode(), levels))) <= levels
