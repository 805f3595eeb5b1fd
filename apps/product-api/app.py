"""product-api: the menu."""

from coffeeshop.wasi import Guest
from product.api import API


class HttpHandler(Guest):
    api = API
