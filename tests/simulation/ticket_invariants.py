"""What docs/guarantees.md says about tickets, checked at each step, as `invariants.py` does it.

Nothing here asks the code under test: what must hold is said again, independently.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

Json = dict[str, Any]
Expect = Callable[[int, bool, str], None]
"""Takes a guarantee's number, whether it holds, and what is wrong if not."""

STEPS = {
    "QUEUED": ("STARTED", "FAILED", "CANCELLED"),
    "STARTED": ("READY", "FAILED"),
}
"""What may follow each status of an item."""
REACHED = {"start": "startedAt", "ready": "endedAt", "fail": "endedAt"}
"""What an item has after a tap."""


class Tickets:
    def __init__(self, expect: Expect) -> None:
        self._expect = expect
        self._versions: dict[tuple[str, str, int], Json] = {}
        """Each version of each ticket, by station, order and sequence."""
        self._newest: dict[tuple[str, str], Json] = {}
        self._begun: dict[str, tuple[str, str]] = {}
        """By item: who began it, under which making."""
        self._places: defaultdict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
        """Where a ticket's entries stand in its station's index: shard, segment, place."""
        self._heads: defaultdict[tuple[str, str], set[tuple[int, str]]] = defaultdict(set)
        """The entries of each shard's head, by station and shard."""
        self.told_statuses: Counter[int] = Counter()
        """What staff were answered."""

    # The station's store

    def written(self, station: str, key: str, value: Json) -> None:
        if key == "board":
            self._board_written(station, value)
            return
        name, shard, *full = key.split("-")
        if name == "tickets" and not full:
            before = self._heads[station, shard]
            for length, (at, order) in enumerate(value["entries"], 1):
                if (at, order) not in before:  # a head begins with the last ones of the one before
                    self._places[station, order].append((int(shard), value["number"], length))
            self._heads[station, shard] = {(at, order) for at, order in value["entries"]}

    def _board_written(self, station: str, board: Json) -> None:
        """Every open ticket is remembered, or stands behind the positions (T2)."""
        remembered = {order for _, order in board["entries"]}
        for order in self.open(station):
            behind = any(
                (number, place) > tuple(board["positions"][shard])
                for shard, number, place in self._places[station, order]
            )
            self._expect(19, behind or order in remembered, f"{order} is on no screen any more")

    def changed(self, station: str, order: str, before: Json | None, after: Json) -> None:
        """The ticket of an order was created or changed."""
        self._versions[station, order, after["sequence"]] = after
        self._newest[station, order] = after
        if before is None:
            listed = after["acceptedAt"] is None or bool(self._places[station, order])
            self._expect(19, listed, f"{order} was taken up before it was in the index")
            return
        for old, new in zip(before["items"], after["items"], strict=True):
            if old == new:
                continue
            follows = new["status"] in STEPS.get(old["status"], ())
            self._expect(18, follows, f"{new['id']} went from {old['status']} to {new['status']}")
            if new["status"] == "CANCELLED":
                self._expect(16, new["id"] not in self._begun, f"{new['id']} is being made")

    def was_failed(self, order: str) -> bool:
        """Whether staff said of something that it cannot be made."""
        return any(
            item["status"] == "FAILED" and item["endedBy"] is not None
            for (_, of), ticket in self._newest.items()
            if of == order
            for item in ticket["items"]
        )

    def open(self, station: str) -> list[str]:
        """The orders that staff of the station have taken up, and that have not ended."""
        return [
            order
            for (of, order), ticket in self._newest.items()
            if of == station and not ticket["final"]
        ]

    def has_ended(self, station: str) -> bool:
        """Whether the station has had a ticket, and has none that is open."""
        return any(of == station for of, _ in self._newest) and not self.open(station)

    # What staff see and do

    def screen(self, station: str, shown: Sequence[str], due: Sequence[str]) -> None:
        """A screen shows every ticket that was open when it was asked for, unless that has ended
        meanwhile, and each once."""
        self._expect(19, len(shown) == len(set(shown)), "a ticket is shown twice")
        missing = set(due) & set(self.open(station)) - set(shown)
        self._expect(19, not missing, f"not on the {station}'s screen: {missing}")

    def begun(self, station: str, order: str, item: str, name: str, make_id: str) -> None:
        """Somebody begins to make an item, or goes on with it."""
        who, making = self._begun.setdefault(item, (name, make_id))
        self._expect(4, (who, making) == (name, make_id), f"{item}: {who} and {name} make it")
        statuses = {each["id"]: each["status"] for each in self._newest[station, order]["items"]}
        self._expect(16, statuses[item] != "CANCELLED", f"{item} is cancelled and made")

    def told(
        self,
        station: str,
        status: int,
        ticket: Json,
        what: str,
        tapped: Sequence[str],
        name: str,
        seen: int | None,
    ) -> None:
        """What somebody was answered who tapped these items, and had seen that version."""
        self.told_statuses[status] += 1
        order = ticket["orderId"]
        stored = self._versions.get((station, order, ticket["sequence"]))
        self._expect(18, stored == ticket, f"{order} was told as it never was")
        by_id = {item["id"]: item for item in ticket["items"]}
        items = [by_id[each] for each in tapped]
        if status == 412:
            self._expect(18, ticket["sequence"] != seen, f"{order}: nobody was faster")
            return
        done = all(item[REACHED[what]] is not None for item in items)
        self._expect(18, done, f"{order}: {what} was answered, and is not there")
        if seen is not None and ticket["sequence"] > seen + 1:
            by = "startedBy" if what == "start" else "endedBy"
            own = all(item[by] == name for item in items)
            self._expect(18, own, f"{order}: {what} of {name}, who saw version {seen}")

    def refused(self, status: int) -> None:
        self.told_statuses[status] += 1
        self._expect(14, status == 409, f"a tap was answered {status}")

    # When everything is well again

    def all_listed(self, station: str, still_open: Sequence[str], closed: Sequence[str]) -> None:
        self._expect(19, not still_open, f"still on the {station}'s screen: {still_open}")
        taken_up = [
            order
            for (of, order), ticket in self._newest.items()
            if of == station and ticket["acceptedAt"] is not None
        ]
        same = sorted(closed) == sorted(taken_up)
        self._expect(19, same, f"the {station}'s closed tickets are not those that it had")
