"""The fields of a request's header."""

from collections import Counter
from collections.abc import Iterable

from coffeeshop.responses import Problem

SINGLE = frozenset({"authorization", "idempotency-key"})
"""Fields that have one value. Of two, one would be dropped in silence, and nobody knows which."""


class Headers:
    """By their names in lower case. What is repeated is one list (RFC 9110, 5.3)."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        pairs = list(fields)
        self._values = dict(pairs)
        self._repeated: frozenset[str] = frozenset()
        if len(self._values) < len(pairs):
            times = Counter(name for name, _ in pairs)
            self._repeated = frozenset(name for name in times if times[name] > 1)
            for name in self._repeated:
                self._values[name] = ", ".join(value for each, value in pairs if each == name)

    def __call__(self, name: str) -> str | None:
        """The field's value. Raises `Problem` 400 for one of `SINGLE` that is repeated."""
        if name in self._repeated and name in SINGLE:
            raise Problem(400, f"{name.title()} must be given once.")
        return self._values.get(name)
