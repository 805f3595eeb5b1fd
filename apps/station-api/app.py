"""station-api: a station that makes items. Its settings say which."""

from coffeeshop.wasi import Guest
from station.api import API


class HttpHandler(Guest):
    api = API
