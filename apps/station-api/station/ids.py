"""Ids that a station draws."""

from uuid import UUID

from coffeeshop.environment import Environment


def make_id(env: Environment) -> str:
    """Of one making (W6)."""
    return str(UUID(bytes=env.entropy(16), version=4))
