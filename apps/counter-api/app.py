"""counter-api: takes orders and sees each one through."""

from coffeeshop.wasi import Guest
from counter.api import API


class HttpHandler(Guest):
    api = API
