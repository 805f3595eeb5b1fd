"""What builds each API's router. A process loads its own API alone."""

from coffeeshop.environment import Environment
from coffeeshop.http import Router


def build(api: str, env: Environment) -> Router:
    match api:
        case "counter":
            from counter.api import build as build_counter

            return build_counter(env)
        case "product":
            from product.api import build as build_product

            return build_product(env)
        case _:
            from station.api import build as build_station

            return build_station(env)
