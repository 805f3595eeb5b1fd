"""`make secrets`: the Secrets that k8s/ refers to, as YAML for `kubectl apply -f -`.

Each call draws new values: pipe it once, and again to rotate (docs/kubernetes.md). To
keep secrets elsewhere, make Secrets of these names with these keys.
"""

import secrets
import sys

import yaml

from scripts.base import console
from scripts.stack import resources
from scripts.stack.runtime import APIS

STORES = ("pubsub", *resources.stores())
"""Where events are, and each API's own storage: by number of their database in one Valkey."""

ID_SECRET = "counter-api-id-secret"  # noqa: S105 - its name, not its value
"""Keys order ids and customers' indexes: a new one hides old orders from their customers."""

REQUIRED: dict[str, tuple[str, ...]] = {
    # What a sidecar shows its API, and what an API shows its sidecar.
    **{f"{api}-api-{kind}-token": ("token",) for api in APIS for kind in ("app", "sidecar")},
    ID_SECRET: ("secret",),
    "clients": ("pos-token", "staff-token"),
    # Where each store is.
    **dict.fromkeys(STORES, ("host", "password", "database")),
    # Only where Valkey runs in the cluster.
    "valkey": ("valkey.conf",),
}
"""Every Secret with its keys."""


def draw() -> dict[str, dict[str, str]]:
    """A value for each key, for the Valkey of the overlays `local`, `plain` and `spinkube`."""
    password = secrets.token_urlsafe(32)
    drawn = {
        name: {key: secrets.token_urlsafe(32) for key in keys} for name, keys in REQUIRED.items()
    }
    for database, name in enumerate(STORES):
        drawn[name] = {"host": "valkey:6379", "password": password, "database": str(database)}
    drawn["valkey"] = {"valkey.conf": f"requirepass {password}\n"}
    return drawn


def render(values: dict[str, dict[str, str]]) -> str:
    return yaml.safe_dump_all(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            # The API server refuses another id secret: one that is applied by mistake would hide
            # all orders from their customers.
            **({"immutable": True} if name == ID_SECRET else {}),
            "metadata": {
                "name": name,
                "namespace": "coffeeshop",
                "labels": {
                    "app.kubernetes.io/part-of": "coffeeshop",
                    **({"rotate": "never"} if name == ID_SECRET else {}),
                },
            },
            "stringData": data,
        }
        for name, data in values.items()
    )


if __name__ == "__main__":
    console.main(lambda: sys.stdout.write(render(draw())) and None)
