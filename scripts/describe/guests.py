"""The APIs of apps/ for what runs them natively: descriptions, simulation, `make dev`, the native
peer. Their folders must be on Python's path."""

import importlib

from coffeeshop.api import Api
from scripts.stack import resources


def api(name: str) -> Api:
    """The API of this short name, as its component has it."""
    return of_program(resources.program(name))


def of_program(program: str) -> Api:
    """By the name of its folder: each has a package with a module `api`."""
    package = program.removesuffix("-api")
    found: Api = importlib.import_module(f"{package}.api").API
    return found
