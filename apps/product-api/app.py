"""product-api: the menu."""

from coffeeshop.wasi import Guest
from product.api import build


class HttpHandler(Guest):
    api = "product-api"
    build = staticmethod(build)
