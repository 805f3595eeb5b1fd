"""An event loop with what the guest's has, and nothing else: no timers, no threads, no sockets.

`asyncio.gather` and tasks run on it unchanged; everything that the guest's loop does not have
raises NotImplementedError, as there.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any

tasks_of_request: ContextVar[list["asyncio.Task[Any]"] | None] = ContextVar(
    "tasks_of_request", default=None
)
"""The tasks that were begun on behalf of the request being handled."""


class GuestLoop(asyncio.AbstractEventLoop):
    def __init__(self) -> None:
        self._ready: deque[asyncio.Handle] = deque()
        self.errors: list[str] = []

    def call_soon(  # type: ignore[override] # typeshed's has generics that change by version
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # typeshed's has generics that change by version
        self, coro: Coroutine[Any, Any, Any], *, name: Any = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        # A crash forgets its coroutines, which is not a mistake here.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        if (tasks := tasks_of_request.get()) is not None:
            tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    @property
    def is_busy(self) -> bool:
        return bool(self._ready)

    def run_ready(self) -> None:
        """Run until every coroutine waits for the world outside."""
        if not self._ready:
            return
        asyncio._set_running_loop(self)
        try:
            while self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            asyncio._set_running_loop(None)
