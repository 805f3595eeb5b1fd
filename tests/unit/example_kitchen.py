"""The kitchen's API over a fake sidecar, with a clock that is set by hand."""

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from coffeeshop.contracts import MadeItem, StationAnswered
from coffeeshop.environment import Environment
from coffeeshop.http import Request, Response, Router
from coffeeshop.settings import AT_ONCE, Settings
from coffeeshop.transport import Call
from example_orders import NOW, ORDER_ID
from fake_sidecar import FakeSidecar
from station.api import API

ORDERED = "/dapr_subscribe_KitchenOrdered"
CANCELLED = "/dapr_subscribe_KitchenOrderCancelled"
UPDATED = "kitchen_order_updated"
OTHER_ID = ORDER_ID[:-1] + "2"
WANTED = timedelta(minutes=5)


def event(order_id: str = ORDER_ID, *, sent_at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """As the counter sends it, five minutes before the order is too late."""
    data = {
        "version": 1,
        "orderId": order_id,
        "expiresAt": (sent_at + WANTED).isoformat(),
        "secondsLeft": WANTED.total_seconds(),
        "items": [{"id": f"{order_id}-1", "itemType": 7, "name": "CROISSANT"}],
    }
    return {"time": sent_at.isoformat(), "data": data | changes}


class Kitchen:
    """The kitchen's router over a fake sidecar, with a clock that is set by hand. The counter's
    clock says the same, but for `counter_is_ahead`."""

    def __init__(
        self, sidecar: FakeSidecar | None = None, *, making: str = AT_ONCE, **settings: str
    ) -> None:
        self.sidecar = sidecar or FakeSidecar(store="kitchen-store")
        self.now = NOW
        self.counter_is_ahead = timedelta(0)
        self.sidecar.counter.clock = lambda: self.now + self.counter_is_ahead
        env = Environment(
            settings=Settings(app_token="token", station="kitchen", making=making, **settings),
            transport=self.sidecar,
            clock=lambda: self.now,
            entropy=os.urandom,
            sleep=self._sleep,
        )
        self._router: Router = API.build(env)

    def ask(
        self, method: str, target: str, body: Any = None, token: str = "token", **more: str
    ) -> Response:
        """`more` are headers, with _ for -."""
        headers = {"content-type": "application/cloudevents+json", "dapr-api-token": token}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        request = Request(method, target, headers.get, _reader(json.dumps(body).encode()))

        async def call() -> Response:
            return await self._router(request)

        return asyncio.run(call())

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def order(self, order_id: str = ORDER_ID, **changes: Any) -> Response:
        return self.ask("POST", ORDERED, event(order_id, **changes))

    def cancel(self, order_id: str = ORDER_ID) -> Response:
        return self.ask("POST", CANCELLED, event(order_id))

    def bulk(self, path: str, events: Sequence[Any]) -> Any:
        """Deliver events together; what becomes of each, or the status of a refusal."""
        entries = [{"entryId": str(n), "event": each} for n, each in enumerate(events)]
        answer = self.ask("POST", path, {"entries": entries})
        if answer.status != 200:
            return answer.status
        return [each["status"] for each in json.loads(answer.body)["statuses"]]

    def statuses(self) -> list[str]:
        """Of the first item of each report, in the order in which they were published."""
        return [each["items"][0]["status"] for each in self.sidecar.events(UPDATED)]

    def record(self, order_id: str = ORDER_ID) -> Any:
        return self.sidecar.document(f"order-{order_id}")

    def to_report(self, order_id: str = ORDER_ID) -> Any:
        """What the counter is to get of the record."""
        record = self.record(order_id)
        items = [{name: item[name] for name in MadeItem.model_fields} for item in record["items"]]
        return {name: record[name] for name in StationAnswered.model_fields} | {"items": items}


def _reader(body: bytes) -> Any:
    async def read(_limit: int) -> bytes:
        return body

    return read


def is_save(call: Call) -> bool:
    return call.method == "POST" and call.target == "/v1.0/state/kitchen-store"
