"""The ordering workflow on Dapr's engine: the workflow, its activities, and what starts it and
tells it of events.

Starting and telling go over the engine's HTTP API, on connections that are kept: the SDK's
asynchronous gRPC client took more processor time for it. An event loop by uvloop for the worker,
more threads for it, or version 1.19 of the SDK changed nothing that could be measured.
"""

import asyncio
import contextlib
import json
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self

from dapr.ext import workflow as dapr
from dapr.ext.workflow.logger import LoggerOptions

from coffeeshop.concurrency import gather_all
from coffeeshop.contracts import ItemToMake, Station, StationAnswered, StationOrdered
from coffeeshop.environment import Environment
from coffeeshop.sidecar import Sidecar
from coffeeshop.topics import PLACED, publish
from coffeeshop.transport import NoAnswer, Reply, ServiceUnavailable
from counter.checks import GRACE_PERIOD
from counter.documents import Order
from counter.order import given_up_report, to_report
from counter.orders import Orders
from tests.bench.peer.transport import AiohttpTransport

NAME = "order"
API = "/v1.0/workflows/dapr"
TIMEOUT = 30.0
"""Seconds that a call to the sidecar may take; the SDK's gRPC client sets no limit."""
RETRY = dapr.RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=1_000,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=10),
)


def see_through(
    context: dapr.DaprWorkflowContext, order: dict[str, Any]
) -> Generator[Any, Any, None]:
    """The workflow; `order` is as `_started` makes it."""
    yield context.call_activity("submit", input=order, retry_policy=RETRY)
    # Answers that are here already need no timer: most are.
    until = datetime.fromisoformat(order["until"])
    awaited = [
        context.wait_for_external_event(station, timeout=until) for station in order["questions"]
    ]
    with contextlib.suppress(TimeoutError):
        yield dapr.when_all(awaited)
    given = [each.get_result() for each in awaited if each.is_complete and not each.is_failed]
    ended = {"id": order["id"], "answers": given}
    yield context.call_activity("end", input=ended, retry_policy=RETRY)


class Engine:
    """As a context it runs this process's part of the workflows."""

    def __init__(self, env: Environment) -> None:
        self._transport = AiohttpTransport(env.settings.sidecar, TIMEOUT)
        self._sidecar = Sidecar(self._transport, env.settings.sidecar_token)
        self._runtime = dapr.WorkflowRuntime(logger_options=LoggerOptions(log_level="WARNING"))
        self._runtime.register_workflow(see_through, name=NAME)
        _Activities(env).register(self._runtime)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        while not await self._has_sidecar():
            await asyncio.sleep(0.1)
        await asyncio.to_thread(self._runtime.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._runtime.shutdown)
        await self._transport.__aexit__(None, None, None)

    async def _has_sidecar(self) -> bool:
        try:
            return (await self._sidecar.call("GET", "/v1.0/healthz/outbound")).status == 204
        except NoAnswer:
            return False

    async def start(self, order: Order) -> None:
        """Schedule the order's workflow, unless it runs. Raises `ServiceUnavailable`."""
        body = json.dumps(_started(order)).encode()
        reply = await self._call(f"{API}/{NAME}/start?instanceID={order.id}", body)
        if reply.status != 202 and b"already exists" not in reply.body:
            raise ServiceUnavailable(f"The workflow engine answered {reply.status}.")

    async def hear(self, event: StationAnswered) -> None:
        """Tell the order's workflow, if it has one. Raises `ServiceUnavailable`."""
        # As a text, which the engine and its worker need not look into.
        body = json.dumps(event.model_dump_json()).encode()
        reply = await self._call(f"{API}/{event.orderId}/raiseEvent/{event.station}", body)
        if reply.status != 202 and b"no such instance exists" not in reply.body:
            raise ServiceUnavailable(f"The workflow engine answered {reply.status}.")

    async def _call(self, target: str, body: bytes) -> Reply:
        try:
            return await self._sidecar.call("POST", target, body)
        except NoAnswer as error:
            raise ServiceUnavailable("The workflow engine did not answer.") from error


class _Activities:
    """They run on the worker's event loop, in a thread of its own."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._entered: Sidecar | None = None

    def register(self, runtime: dapr.WorkflowRuntime) -> None:
        async def submit(_: dapr.WorkflowActivityContext, order: dict[str, Any]) -> None:
            questions = order["questions"].items()
            await self._publish(
                {
                    Station(each): StationOrdered.model_validate_json(text)
                    for each, text in questions
                }
            )

        async def end(_: dapr.WorkflowActivityContext, ended: dict[str, Any]) -> None:
            answers = (StationAnswered.model_validate_json(each) for each in ended["answers"])
            await self._end(ended["id"], {answer.station: answer for answer in answers})

        runtime.register_activity(submit)
        runtime.register_activity(end)

    async def _sidecar(self) -> Sidecar:
        """On connections of the worker's loop, kept as long as the process."""
        if self._entered is None:
            settings = self._env.settings
            transport = await AiohttpTransport(settings.sidecar, TIMEOUT).__aenter__()
            self._entered = Sidecar(transport, settings.sidecar_token)
        return self._entered

    async def _publish(self, questions: dict[Station, StationOrdered]) -> None:
        """Publish to each station what it has to make. Raises `ServiceUnavailable` to be called
        again."""
        sidecar, now = await self._sidecar(), self._env.clock()
        await gather_all(
            *(publish(sidecar, PLACED, s, [event], now) for s, event in questions.items())
        )

    async def _end(self, order_id: str, answers: dict[Station, StationAnswered]) -> None:
        """Save the order with what its stations said; who said nothing is given up. Raises
        `ServiceUnavailable` to be called again."""
        records = Orders(await self._sidecar()).records
        stored = await records.get(order_id)
        if stored is None or not isinstance(stored.value, Order):
            raise ServiceUnavailable("The order is not saved.")
        order, now = stored.value, self._env.clock()
        if order.settled is not None:
            return
        reports = (
            to_report(answers[station], now)
            if station in answers
            else given_up_report(order, station, now)
            for station in order.stations
        )
        settled = replace(order, settled=tuple(reports))
        if not await records.update(order_id, settled, stored.etag):
            raise ServiceUnavailable("The order was changed meanwhile.")


def _started(order: Order) -> dict[str, Any]:
    """A workflow's input: until when the stations may answer, and what each has to make."""
    questions = {
        station: StationOrdered(
            orderId=order.id,
            expiresAt=order.expires_at,
            items=tuple(
                ItemToMake(id=item.id, itemType=item.item_type, name=item.name)
                for item in order.items_of(station)
            ),
        )
        for station in order.stations
    }
    return {
        "id": order.id,
        "until": (order.expires_at + GRACE_PERIOD).isoformat(),
        "questions": {station: event.model_dump_json() for station, event in questions.items()},
    }
