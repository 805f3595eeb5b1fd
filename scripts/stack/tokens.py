"""The local stack's secrets: drawn at the first start, in a file that its owner alone reads."""

import hashlib
import json
import os
import secrets
from pathlib import Path

from scripts.base.console import Failure
from scripts.stack import resources

TOKENS = ("valkey_password", "sidecar_token", "app_token", "id_secret")
LOST = (
    "{path} {how}, and {data} holds orders whose ids and customers need the one before. Restore "
    "the file, or begin with an empty shop: `make clean` removes them."
)


def load(path: Path, valkey_port: int, data: Path) -> dict[str, str]:
    """The secrets in the file, which is made if it is not there. Raises `Failure` where orders are
    in the folder `data` that another id secret belongs to.

    The file also has, in the form of the sidecars' secret store, what the Dapr components refer
    to: where their database is.
    """
    known = read(path)
    _check_id_secret(path, known.get("id_secret"), data)
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
    data.mkdir(parents=True, exist_ok=True)
    _mark(data).write_text(_digest(tokens["id_secret"]))
    return tokens


def read(path: Path) -> dict[str, str]:
    """The secrets that the file holds; none if there is no file. Raises `Failure`, which shows
    nothing of what stands in it."""
    try:
        known = json.loads(path.read_text())
        found = {name: known[name] for name in TOKENS if name in known}
        whole = isinstance(known, dict) and all(isinstance(each, str) for each in found.values())
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        whole = False
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from None
    if not whole:
        raise Failure(
            f"{path} is not what was written there. Restore it, or begin with an empty shop: "
            "`make clean` removes it with all data."
        )
    return found


def _check_id_secret(path: Path, known: str | None, data: Path) -> None:
    if not any(file.is_file() for file in (data / "valkey").rglob("*")):
        return
    mark = _mark(data)
    if not known:
        raise Failure(LOST.format(path=path, how="has no id_secret", data=data))
    if mark.exists() and mark.read_text() != _digest(known):
        raise Failure(LOST.format(path=path, how="has another id_secret", data=data))


def _mark(data: Path) -> Path:
    """Beside the data, by what they can be told to belong to an id secret."""
    return data / "id_secret.sha256"


def _digest(id_secret: str) -> str:
    return hashlib.sha256(id_secret.encode()).hexdigest()
