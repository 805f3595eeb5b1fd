"""A page of a filtered list has something in it, or is the last one; and it costs what it may."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from coffeeshop.contracts import ItemStatus, Station
from coffeeshop.environment import Environment
from coffeeshop.index import SEGMENTS, Entry, Indexes, milliseconds
from coffeeshop.settings import Settings
from coffeeshop.sidecar import Sidecar
from coffeeshop.store import Store
from counter import listing
from counter.documents import Item, ItemOutcome, Order, Report
from counter.listing import Listing
from counter.orders import ALL_ORDERS, STORE
from fake_sidecar import FakeSidecar

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDERS = TypeAdapter(Order)


async def _sleep(_: float) -> None:
    return


ENV = Environment(Settings(id_secret="s"), FakeSidecar(), lambda: NOW, os.urandom, _sleep)


def order(number: int, status: ItemStatus) -> Order:
    """The order of that minute, settled."""
    at = NOW + timedelta(minutes=number)
    id_ = str(UUID(int=number))
    report = Report(Station.BARISTA, 1, True, (ItemOutcome(f"{id_}-1", status),), at, at)
    return Order(
        id=id_,
        body_hash="h",
        loyalty_member_id="ann",
        order_source=0,
        location=0,
        timestamp=None,
        placed_at=at,
        expires_at=at,
        items=(Item(f"{id_}-1", 5, "LATTE", 450, Station.BARISTA),),
        settled=(report,),
    )


def shop(count: int, failed: set[int]) -> FakeSidecar:
    """Orders number 0 to `count`, of which some have failed."""
    sidecar = FakeSidecar()

    async def fill() -> None:
        caller = Sidecar(sidecar, "")
        indexes = Indexes(
            Store(caller, STORE, SEGMENTS), lambda below: int.from_bytes(os.urandom(4)) % below
        )
        orders = Store(caller, STORE, ORDERS)
        for number in range(count):
            one = order(number, ItemStatus.FAILED if number in failed else ItemStatus.READY)
            slots, _ = await indexes.choose_heads(ALL_ORDERS, also_from=orders)
            await indexes.add(Entry(milliseconds(one.placed_at), one.id), slots, lambda: True)
            await orders.create(one.id, one)

    asyncio.run(fill())
    sidecar.calls.clear()
    return sidecar


def page(
    sidecar: FakeSidecar, count: int, cursor: object = None, status: str | None = "FAILED"
) -> tuple[list[str], object]:
    found = asyncio.run(
        Listing(Sidecar(sidecar, ""), ENV).page(
            cursor,  # type: ignore[arg-type] # as a page gave it
            count,
            customer=None,
            status=status,
        )
    )
    assert all(status in (None, seen.status) for seen in found.documents)
    return [seen.order.id for seen in found.documents], found.next


def test_a_filtered_page_has_what_there_is_however_far_it_is_behind() -> None:
    """The first of 400 orders is the one that failed: twelve looks of five are not enough."""
    ids, _ = page(shop(400, {0}), 5)
    assert ids == [str(UUID(int=0))]


@pytest.mark.parametrize("failed", [set(), {0}, {3, 100, 101, 250, 399}, set(range(0, 400, 7))])
def test_no_page_but_the_last_is_empty_and_together_they_are_all(failed: set[int]) -> None:
    sidecar, found, cursor = shop(400, failed), [], None
    while True:
        ids, cursor = page(sidecar, 3, cursor)
        found += ids
        if cursor is None:
            break
        assert ids
    assert found == [str(UUID(int=n)) for n in sorted(failed, reverse=True)]


def test_a_filter_looks_at_so_many_entries_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_READS", 2)
    sidecar = shop(400, {0})
    ids, cursor = page(sidecar, 5)
    assert not ids
    assert cursor is not None
    while not ids:
        ids, cursor = page(sidecar, 5, cursor)
    assert ids == [str(UUID(int=0))]


def test_a_page_without_a_filter_reads_what_it_shows() -> None:
    sidecar = shop(400, set())
    ids, _ = page(sidecar, 5, status=None)
    assert len(ids) == 5
    assert len(sidecar.calls) <= 4


def test_a_full_page_is_not_looked_for_any_further() -> None:
    sidecar = shop(200, set(range(150, 200)))
    ids, cursor = page(sidecar, 20)
    assert len(ids) == 20
    assert cursor is not None
    assert len(sidecar.calls) <= 4
