"""counter-api's handlers of picking up: the view for a screen on the wall, and handing over."""

from coffeeshop import contracts, paths
from coffeeshop.environment import Environment
from coffeeshop.http import Problem, Request, Response
from coffeeshop.live import Snapshot, check_stream_limit, events, latest
from coffeeshop.logs import Log
from coffeeshop.operation import JSON, STREAM, Answer, Operation
from coffeeshop.sidecar import Sidecar
from counter import wire
from counter.pickup import NothingReady, PickupBoard, UnknownOrder
from counter.problems import no_order

PAUSE = 0.7
"""Seconds between two looks at what is called out."""
_KEY = "pickup"


class Desk:
    def __init__(self, env: Environment, log: Log) -> None:
        self._env = env
        self._log = log
        self._sidecar = Sidecar(env.transport, env.settings.sidecar_token)

    def _board(self) -> PickupBoard:
        return PickupBoard(self._sidecar, self._env)

    @Operation(
        "getPickup",
        "What customers wait for, by number and name: in preparation, and ready",
        (Answer(200, "The newest of each", contracts.Pickup, JSON),),
        problems=(503,),
    )
    async def get_pickup(self, _request: Request) -> Response:
        return Response(200, wire.pickup(await self._board().look()))

    @Operation(
        "followPickup",
        "What customers wait for, as it changes: server-sent events, each one all of it",
        (Answer(200, "A stream of it, for a minute or 256 KB: then connect again", None, STREAM),),
        problems=(503,),
    )
    async def follow_pickup(self, _request: Request) -> Response:
        check_stream_limit()
        board = self._board()

        async def read() -> Snapshot:
            return Snapshot(wire.pickup(await board.look()), False)

        first = await latest(_KEY, read)
        return events(self._env, self._log, first, read, PAUSE, key=_KEY)

    @Operation(
        "collectOrder",
        "Staff: an order that is ready was handed over, and is not called out any more",
        (Answer(200, "When it was first said to be", contracts.Collected, JSON),),
        problems=(404, 409, 503),
    )
    async def collect_order(self, request: Request) -> Response:
        order_id = paths.order_id(request)
        try:
            collection = await self._board().collect(order_id)
        except UnknownOrder:
            raise no_order() from None
        except NothingReady as error:
            detail = f"The order is {error.order.status}: there is nothing to hand over."
            raise Problem(409, detail) from None
        self._log("order.collected", orderId=order_id)
        return Response(200, wire.collected(order_id, collection))
