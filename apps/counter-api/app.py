"""counter-api: takes orders and sees each one through."""

from coffeeshop.wasi import Guest
from counter.api import build


class HttpHandler(Guest):
    build = staticmethod(build)
