"""The local stack's secrets: drawn at the first start, in a file that its owner alone reads."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from scripts import resources

TOKENS = ("valkey_password", "sidecar_token", "app_token", "id_secret")


def load(path: Path, valkey_port: int) -> dict[str, str]:
    """The secrets in the file, which is made if it is not there.

    The file also has, in the form of the sidecars' secret store, what the Dapr components refer
    to: where their database is.
    """
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    tokens = {name: known.get(name) or secrets.token_urlsafe(32) for name in TOKENS}
    databases = {name: n for n, name in enumerate(("pubsub", *resources.stores()))}
    references = {
        name: {
            "host": f"127.0.0.1:{valkey_port}",
            "password": tokens["valkey_password"],
            "database": str(number),
        }
        for name, number in databases.items()
    }
    partial = path.with_suffix(".new")
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        json.dump(tokens | references, file, indent=2)
    partial.replace(path)
    return tokens
