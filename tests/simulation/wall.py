"""A screen on the wall that says what is called out, and staff who hand it over."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from coffeeshop.http import Response

if TYPE_CHECKING:
    from tests.simulation.shop import SimulatedShop

Json = dict[str, Any]
CALLED = timedelta(minutes=20)
"""How long a ready order is called out."""


class Wall:
    """What it may show is said again, without the code under test (G20, G21)."""

    def __init__(self, shop: "SimulatedShop") -> None:
        self._shop = shop
        self._known = shop.invariants

    def look(self, *, collects: bool) -> None:
        """Ask what is called out. `collects`: staff hand over what is ready."""
        asked = self._before()

        def answered(response: Response | None) -> None:
            if response is None or response.status != 200:
                return
            shown = json.loads(response.body)
            self._check(asked, shown)
            for each in shown["ready"] if collects else ():
                self._collect(each["orderId"])

        self._shop.apps["counter-api"].ask("GET", "/v1/api/pickup", (), b"", answered)

    def look_at_last(self) -> None:
        """While everything is well. Raises `Violation`."""
        asked = self._before()
        self._check(asked, self._shop.ask("counter-api", "GET", "/v1/api/pickup"))

    def _before(self) -> "_Asked":
        known = self._known
        return _Asked(
            acknowledged=set(known.acknowledged),
            ready={order for order in known.acknowledged if known.is_ready(order)},
            still_open=set(known.open_orders()),
            collected=set(known.collected),
        )

    def _check(self, asked: "_Asked", shown: Json) -> None:
        known, expect = self._known, self._expect
        numbers = [each["number"] for each in (*shown["inPreparation"], *shown["ready"])]
        expect(20, len(numbers) == len(set(numbers)), f"some of {numbers} are called out twice")
        for each in (*shown["inPreparation"], *shown["ready"]):
            own = known.records[each["orderId"]]["number"]
            expect(20, own == each["number"], f"{each['orderId']} is {own}, not {each['number']}")
        waiting = {each["orderId"] for each in shown["inPreparation"]}
        ready = {each["orderId"] for each in shown["ready"]}
        for order in ready:
            expect(21, known.is_ready(order), f"{order} is called out and is not ready")
            expect(21, order not in asked.collected, f"{order} is called out though collected")
        for order in waiting & asked.acknowledged:
            was = order in asked.still_open
            expect(21, was, f"{order} has ended, and is called out as in preparation")
        for order in asked.acknowledged & set(known.open_orders()):
            expect(21, order in waiting, f"{order} is open, and not called out")
        for order in asked.ready - known.collected:
            is_new = self._shop.world.clock() - self._ended(order) < CALLED
            expect(21, order in ready or not is_new, f"{order} is ready, and not called out")

    def _ended(self, order: str) -> datetime:
        at = [r["recorded_at"] for (id_, _), r in self._known.reports.items() if id_ == order]
        return max(map(datetime.fromisoformat, at))

    def _collect(self, order: str) -> None:
        self._shop.world.note("staff", f"hand over {order}")
        target = f"/v1/api/orders/{order}/collect"
        self._shop.apps["counter-api"].ask("POST", target, (), b"", self._told(order))

    def _told(self, order: str) -> Callable[[Response | None], None]:
        def answered(response: Response | None) -> None:
            if response is None:
                return
            status, known = response.status, self._known
            self._expect(14, status in (200, 503), f"collecting was answered {status}")
            stored = status != 200 or order in known.collected
            self._expect(21, stored, f"{order} was handed over, and that is not stored")

        return answered

    def _expect(self, number: int, holds: bool, text: str) -> None:
        if not holds:
            self._shop.world.violated(number, text)


class _Asked:
    """How it was when somebody asked."""

    def __init__(
        self, *, acknowledged: set[str], ready: set[str], still_open: set[str], collected: set[str]
    ) -> None:
        self.acknowledged = acknowledged
        self.ready = ready
        self.still_open = still_open
        self.collected = collected
