"""counter-api: takes orders and sees each one through."""

from coffeeshop.settings import ALWAYS_NEEDED
from coffeeshop.wasi import Guest
from counter.api import build


class HttpHandler(Guest):
    api = "counter-api"
    needed = (*ALWAYS_NEEDED, "id_secret")
    build = staticmethod(build)
