"""What is typed after `coffee`: item names, durations, and bytes that are no text."""

import difflib
import re
import sys
from collections.abc import Sequence

import typer

from coffee.client import ConfigError, Json, Refused, ShopClient, Unreachable, default_url
from coffee.terminal import At


def names(incomplete: str) -> list[str]:
    """Item names that begin so, for the shell."""
    try:
        return [
            item["name"]
            for item in ShopClient(At.url or default_url()).menu()
            if item["name"].startswith(incomplete.upper())
        ]
    except (Refused, Unreachable, ConfigError):
        return []


def chosen(wanted: Sequence[str], menu: Sequence[Json]) -> list[Json]:
    """The menu's items of these names. Raises `Refused` that tells which names are near."""
    by_name = {item["name"]: item for item in menu}
    found, unknown = [], []
    for text in wanted:
        name = re.sub(r"[\s-]+", "_", text.strip()).upper()
        if name in by_name:
            found.append(by_name[name])
            continue
        near = difflib.get_close_matches(name, by_name, 2, 0.5)
        unknown.append(f"{text} is not on the menu" + (f": {' or '.join(near)}?" if near else "."))
    if unknown:
        raise Refused("\n  ".join([*unknown, "`coffee menu` shows what there is."]))
    return found


def seconds_of(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m)?", text)
    if not match or not 0 < float(match[1]) <= 3600:
        raise typer.BadParameter("say it as 30s or 2m, an hour at most", param_hint="--for")
    return float(match[1]) * (60 if match[2] == "m" else 1)


def check_encoding() -> None:
    """Raises `ConfigError` for bytes that are no text: the shop takes UTF-8."""
    try:
        "".join(sys.argv).encode()
    except UnicodeEncodeError:
        raise ConfigError("an argument is no text in this terminal's encoding.") from None
