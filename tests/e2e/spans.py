"""The receiving end of Zipkin's protocol (POST /api/v2/spans), for tests that look at spans."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

Span = dict[str, Any]


class Collector:
    """Takes the spans that sidecars send, and keeps those of the traces that are asked for."""

    def __init__(self, port: int) -> None:
        self._kept: dict[str, list[Span]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def keep(self, trace_id: str) -> None:
        self._kept[trace_id] = []

    def spans(self, trace_id: str) -> list[Span]:
        return list(self._kept[trace_id])

    def _take(self, body: bytes) -> None:
        # Most are of other tests' orders: not even parsed.
        if any(trace_id.encode() in body for trace_id in self._kept):
            for span in json.loads(body):
                if span["traceId"] in self._kept:
                    self._kept[span["traceId"]].append(span)
