"""The kitchen where people make, and what they do at its screen, for unit tests."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

from coffeeshop.http import Parts, Response
from coffeeshop.settings import BY_STAFF
from example_kitchen import Kitchen
from example_orders import ORDER_ID

TICKETS = "/v1/api/kitchen/tickets"


class Staffed(Kitchen):
    def __init__(self, **settings: str) -> None:
        super().__init__(None, making=BY_STAFF, **settings)

    def two(self, order_id: str = ORDER_ID, **changes: Any) -> Response:
        """Order a croissant and a muffin."""
        items = [
            {"id": f"{order_id}-1", "itemType": 7, "name": "CROISSANT"},
            {"id": f"{order_id}-2", "itemType": 8, "name": "MUFFIN"},
        ]
        return self.order(order_id, items=items, **changes)

    def tap(
        self,
        what: str,
        items: list[int] | None = None,
        *,
        by: str = "ann",
        reason: str | None = None,
        order_id: str = ORDER_ID,
        seen: int | None = None,
    ) -> Response:
        """`items` by their numbers; `seen` is the version in `If-Match`."""
        body: dict[str, Any] = {"by": by}
        if items is not None:
            body["items"] = [f"{order_id}-{number}" for number in items]
        if reason is not None:
            body["reason"] = reason
        more = {"if_match": f'"{seen}"'} if seen is not None else {}
        return self.ask(
            "POST", f"{TICKETS}/{order_id}/{what}", body, content_type="application/json", **more
        )

    def stream(self, answer: Response, parts: Parts) -> None:
        """Have the answer's body sent there."""
        stream = answer.stream
        assert stream is not None

        async def send() -> None:
            await stream(parts)

        asyncio.run(send())

    def meanwhile(self, happens: Callable[[], object]) -> None:
        """Let this happen while a request is being answered: in an event loop of its own."""
        other = threading.Thread(target=happens)
        other.start()
        other.join()

    def get(self, target: str, **headers: str) -> Any:
        answer = self.ask("GET", target, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def page(self, query: str = "") -> Any:
        return self.get(f"{TICKETS}?{query}")

    def listed(self, state: str = "open") -> list[str]:
        """The ids on all pages."""
        found: list[str] = []
        cursor = ""
        while True:
            page = self.page(f"state={state}&limit=3{cursor}")
            found += [ticket["orderId"] for ticket in page["tickets"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    def items(self, order_id: str = ORDER_ID) -> list[str]:
        """The status of each item, as it is stored."""
        return [item["status"] for item in self.record(order_id)["items"]]

    def status(self, answer: Response) -> tuple[int, list[str]]:
        """Of an answer that is a ticket, with its items' statuses."""
        return answer.status, [item["status"] for item in json.loads(answer.body)["items"]]


def numbered(number: int) -> str:
    """The id of an order."""
    return f"{ORDER_ID[:-6]}{number:06}"
