"""Documents in the state store: load, apply, save, when other writers do the same."""

import asyncio
from collections.abc import Callable

import pytest
from pydantic import TypeAdapter

from coffeeshop.sidecar import Sidecar
from coffeeshop.store import ATTEMPTS, Store
from coffeeshop.transport import Call, ServiceUnavailable
from fake_sidecar import FakeSidecar

NUMBERS = TypeAdapter(int)
STATE = "/v1.0/state/numbers"


class Numbers:
    """A store of numbers, one of them under the key `n`, and the pauses of its writer."""

    def __init__(self, first: int | None = None) -> None:
        self.sidecar = FakeSidecar(store="numbers")
        self.pauses = 0
        if first is not None:
            self.sidecar.put("n", first)

    def change(self, change: Callable[[int | None], int | None]) -> tuple[int | None, int | None]:
        async def pause() -> None:
            self.pauses += 1

        store = Store(Sidecar(self.sidecar, ""), "numbers", NUMBERS)
        return asyncio.run(store.change("n", change, pause))

    def overtaken(self, times: int) -> None:
        """Another writer adds 100 just before each of the next saves."""
        left = times

        def overtake(call: Call) -> None:
            nonlocal left
            if call.method == "POST" and call.target == STATE and left:
                left -= 1
                self.sidecar.put("n", (self.sidecar.document("n") or 0) + 100)

        self.sidecar.before = overtake

    @property
    def value(self) -> int | None:
        found: int | None = self.sidecar.document("n")
        return found


def add_one(before: int | None) -> int:
    return (before or 0) + 1


def test_a_document_that_exists_is_replaced_by_one_read_and_one_save() -> None:
    numbers = Numbers(5)
    assert numbers.change(add_one) == (5, 6)
    assert numbers.value == 6
    assert [call.method for call in numbers.sidecar.calls] == ["GET", "POST"]


def test_a_document_that_does_not_exist_is_created() -> None:
    numbers = Numbers()
    assert numbers.change(add_one) == (None, 1)
    assert numbers.value == 1


@pytest.mark.parametrize("change", [lambda _: None, lambda before: before])
def test_a_document_that_is_left_is_returned_and_not_saved(
    change: Callable[[int | None], int | None],
) -> None:
    numbers = Numbers(5)
    assert numbers.change(change) == (5, 5)
    assert [call.method for call in numbers.sidecar.calls] == ["GET"]


@pytest.mark.parametrize("first", [None, 5])
@pytest.mark.parametrize(("conflicts", "pauses"), [(0, 0), (1, 0), (2, 1), (ATTEMPTS - 1, 10)])
def test_a_conflict_is_retried_at_once_and_from_the_second_on_after_a_pause(
    first: int | None, conflicts: int, pauses: int
) -> None:
    numbers = Numbers(first)
    numbers.overtaken(conflicts)
    before = (first or 0) + 100 * conflicts
    assert numbers.change(add_one) == (before or first, before + 1)
    assert numbers.value == before + 1
    assert numbers.pauses == pauses


def test_endless_conflicts_are_unavailable() -> None:
    numbers = Numbers(5)
    numbers.overtaken(ATTEMPTS)
    with pytest.raises(ServiceUnavailable):
        numbers.change(add_one)
