"""A guest that tries to open a connection by itself: to 127.0.0.1 and the port in its path."""

import errno
import socket

from spin_sdk.http import Handler, Request, Response


class HttpHandler(Handler):
    async def handle_request(self, request: Request) -> Response:
        return Response(200, {}, _try(int(request.uri.strip("/"))).encode())


def _try(port: int) -> str:
    # Without waiting: an asynchronous guest that blocks is ended by its runtime.
    try:
        with socket.socket() as way_out:
            way_out.setblocking(False)
            code = way_out.connect_ex(("127.0.0.1", port))
    except OSError as error:
        return f"refused: {error}"
    return "connecting" if code in (0, errno.EINPROGRESS) else f"refused: {code}"
