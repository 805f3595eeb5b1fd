"""Calls to the sidecar over aiohttp, on connections that are kept."""

from functools import cache
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from coffeeshop.transport import Call, NoAnswer, Reply, moment_of


class AiohttpTransport:
    """A `Transport`; as a context it holds the session.

    Its time-outs are the guest's: to connect, and between any two parts. `timeout`, in seconds,
    is for all calls, None for each its own."""

    def __init__(self, authority: str, timeout: float | None = None) -> None:
        self._base = f"http://{authority}"
        self._timeout = timeout
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept", "accept-encoding", "user-agent"),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def send(self, call: Call) -> Reply:
        url = URL(self._base + call.target, encoded=True)
        try:
            async with self._session.request(
                call.method,
                url,
                data=call.body or None,
                headers=call.headers,
                timeout=_timeout(self._timeout or call.timeout),
                allow_redirects=False,
            ) as answer:
                date = moment_of(answer.headers.get("date")) if call.wants_date else None
                return Reply(answer.status, await answer.read(), answer.headers.get("etag"), date)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error


@cache
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=seconds, sock_read=seconds)
