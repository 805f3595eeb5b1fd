"""barista-api: the station that makes drinks."""

from coffeeshop import station
from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.files import beside
from coffeeshop.http import Router
from coffeeshop.wasi import Guest

CONFIGURATION = station.Configuration(Station.BARISTA, beside(__file__, "openapi.json"))


class HttpHandler(Guest):
    api = "barista-api"

    @staticmethod
    def build(env: Environment) -> Router:
        return station.build(CONFIGURATION, env)
