"""station-api: a station that makes items. Its settings say which."""

from coffeeshop.settings import ALWAYS_NEEDED
from coffeeshop.wasi import Guest
from station.api import build


class HttpHandler(Guest):
    api = "{station}-api"
    needed = (*ALWAYS_NEEDED, "station")
    build = staticmethod(build)
