"""An API's table of routes as a FastAPI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import fastapi
from starlette.types import Receive, Scope, Send

from coffeeshop.headers import Headers
from coffeeshop.http import Request, Response, Router, Stream, TooLarge


def application(router: Router, *needed: AbstractAsyncContextManager[object]) -> fastapi.FastAPI:
    """`needed`: what the API uses, held from its start to its end."""

    @asynccontextmanager
    async def lifespan(_app: fastapi.FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            for each in needed:
                await held.enter_async_context(each)
            yield

    async def answer(request: fastapi.Request) -> fastapi.Response:
        return _respond(await router(_request(request)))

    app = fastapi.FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    for route in router.routes:
        # A quarter cheaper than `add_api_route`, which would look for parameters that none has.
        app.add_route(route.path, answer, methods=[route.method])
    # The rest is the router's own 404 and 405, in the form that every problem has.
    app.mount("/", _Rest(router))
    return app


class _Rest:
    """What no route takes."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = _respond(await self._router(_request(fastapi.Request(scope, receive))))
        await response(scope, receive, send)


def _request(request: fastapi.Request) -> Request:
    scope = request.scope
    target: bytes = scope["raw_path"]
    if query := scope["query_string"]:
        target += b"?" + query

    async def read_body(limit: int) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise TooLarge
        return bytes(body)

    return Request(
        method=scope["method"],
        target=target.decode("latin-1"),
        header=Headers(request.headers.items()),
        read_body=read_body,
    )


def _respond(answer: Response) -> fastapi.Response:
    headers = dict(answer.headers)
    if answer.body or answer.stream is not None:
        # As a header, because Starlette adds a charset to a media type of text.
        headers["content-type"] = answer.media_type
    if answer.stream is not None and not answer.is_head:
        return _Streamed(answer.stream, answer.status, headers)
    return fastapi.Response(answer.body, answer.status, headers)


class _Streamed(fastapi.Response):
    """A body in parts as they come."""

    def __init__(self, stream: Stream, status: int, headers: dict[str, str]) -> None:
        super().__init__(None, status, headers)
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(_until_hung_up(receive))
            await self._stream(_Parts(send, caller))
            caller.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _until_hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Parts:
    def __init__(self, send: Send, caller: asyncio.Task[None]) -> None:
        self._send = send
        self._caller = caller

    async def send(self, part: bytes) -> bool:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
        return not self._caller.done()
