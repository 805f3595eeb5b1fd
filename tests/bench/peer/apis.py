"""What builds each API's router. A process loads its own API alone."""

from pathlib import Path

from coffeeshop.environment import Environment
from coffeeshop.http import Router

APPS = Path(__file__).parents[3] / "apps"


def build(api: str, env: Environment) -> Router:
    match api:
        case "counter":
            from counter.api import build as build_counter

            return build_counter(env)
        case "product":
            from product.api import build as build_product

            return build_product(env)
        case _:
            from coffeeshop import station
            from coffeeshop.contracts import Station

            # As in apps/<station>-api/app.py, which can be loaded in a component alone.
            configuration = station.Configuration(
                Station(api), (APPS / f"{api}-api" / "openapi.json").read_bytes()
            )
            return station.build(configuration, env)
