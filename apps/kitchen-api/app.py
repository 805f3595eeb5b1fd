"""kitchen-api: the station that makes food."""

from coffeeshop import station
from coffeeshop.contracts import Station
from coffeeshop.environment import Environment
from coffeeshop.files import beside
from coffeeshop.http import Router
from coffeeshop.wasi import Guest

CONFIGURATION = station.Configuration(Station.KITCHEN, beside(__file__, "openapi.json"))


class HttpHandler(Guest):
    api = "kitchen-api"

    @staticmethod
    def build(env: Environment) -> Router:
        return station.build(CONFIGURATION, env)
