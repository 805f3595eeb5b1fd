"""Waiting for several calls at once, in the only way that is safe in the guest."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def gather_all(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """Await all the calls, then return their results or raise the first failure.

    A plain `gather` returns at the first failure and leaves its siblings pending, and a guest whose
    request ends with a task pending traps (docs/facts/guest.md): so all are awaited first.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
