"""`make station NAME=juicebar`: add a station. Without a name, write again what the stations need.

spin.toml lists the stations. What each needs there, in dapr.yaml and in k8s/ is written from
scripts/describe/station/:

    files/  whole files; STATION in a path stands for the station's name
    parts/  pieces of files that hold something else too

In such a file a piece stands between two comments. The first is `# each station: PIECE`, which is
written for each of them, or `# all stations: PIECE`, which is written once; the second is
`# end of stations`. PIECE is a file of parts/, or itself the line to write, which has a `$`.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from coffeeshop.topics import COUNTER, EVENTS, STATION, UPDATED, UPDATED_ROUTES, Event
from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure, say
from scripts.build import entry, manifest
from scripts.stack import resources

SOURCE = CHECKOUT / "scripts" / "describe" / "station"
FILES = SOURCE / "files"
PARTS = SOURCE / "parts"
FIRST_SIDECAR_PORT = 3501

_PIECE = re.compile(
    r"(?P<begin>^(?P<indent> *)# (?P<kind>each|all) stations?: (?P<what>.+)\n)"
    r"(?:.*\n)*?(?P<end> *# end of stations\n)",
    re.MULTILINE,
)


def documents(stations: Sequence[str]) -> dict[Path, str]:
    """Each file that is written for these stations, and its content."""
    found = {}
    order = tuple(dict.fromkeys((*resources.apis(), *stations)))
    values = [_values(station, FIRST_SIDECAR_PORT + order.index(station)) for station in stations]
    for source in sorted(path for path in FILES.rglob("*") if path.is_file()):
        for each in values:
            name = str(source.relative_to(FILES)).replace("STATION", each["station"])
            found[CHECKOUT / name] = Template(source.read_text()).substitute(each)
    shared = [CHECKOUT / "spin.toml", CHECKOUT / "dapr.yaml"]
    for path in (*shared, *sorted((CHECKOUT / "k8s").rglob("*.yaml"))):
        before = path.read_text()
        if path not in found and _PIECE.search(before):
            found[path] = _PIECE.sub(_written(values, _of_all(stations)), before)
    return found


def _written(
    each: Sequence[Mapping[str, str]], of_all: Mapping[str, str]
) -> Callable[[re.Match[str]], str]:
    def write(piece: re.Match[str]) -> str:
        what = piece["what"]
        text = f"{what}\n" if "$" in what else (PARTS / what).read_text()
        values = each if piece["kind"] == "each" else [of_all]
        lines = "".join(Template(text).substitute(each) for each in values).splitlines()
        body = "".join(f"{piece['indent']}{line}".rstrip() + "\n" for line in lines)
        return piece["begin"] + body + piece["end"]

    return write


def _values(station: str, port: int) -> dict[str, str]:
    """What a template may name of one station. `port` is its sidecar's."""
    # The first two have a route of their own for their reports.
    own, any_stations = UPDATED.route(station), UPDATED.route("")
    return {
        "station": station,
        "Station": station.capitalize(),
        "STATION": station.upper(),
        "port": str(port),
        "updated": own if own in UPDATED_ROUTES else any_stations,
    }


def _of_all(stations: Sequence[str]) -> dict[str, str]:
    """What a template may name of all stations together: who may publish and subscribe to what."""
    publishing: dict[str, list[str]] = {}
    subscribing: dict[str, list[str]] = {}
    every = [(event, station) for event in EVENTS for station in stations]
    for event, station in every:
        publishing.setdefault(_app(event.sender, station), []).append(event.topic(station))
        subscribing.setdefault(_app(event.receiver, station), []).append(event.topic(station))
    for event, station in every:
        # A consumer also publishes what it cannot handle.
        publishing[_app(event.receiver, station)].append(_dead(event, station))
    topics = [event.topic(station) for event, station in every]
    return {
        "protected": ",".join((*topics, *(_dead(event, station) for event, station in every))),
        "publishing": _scopes(publishing),
        "subscribing": _scopes(subscribing),
        "dead": ",".join(_dead(event, s) for event, s in every if event.receiver == COUNTER),
        # The broker's, and each store's.
        "databases": str(1 + len({*resources.stores(), *(f"{s}-store" for s in stations)})),
    }


def _app(who: str, station: str) -> str:
    return f"{station}-api" if who == STATION else who


def _dead(event: Event[Any], station: str) -> str:
    return f"{event.topic(station)}_dead"


def _scopes(topics: Mapping[str, Sequence[str]]) -> str:
    return ";".join(f"{app}={','.join(listed)}" for app, listed in topics.items())


def check(name: str) -> None:
    """Raises `Failure` for what cannot be the name of a new station."""
    if not re.fullmatch(r"[a-z]{1,20}", name):
        raise Failure(f"NAME is {name[:40]!r}: a station's name has 1 to 20 letters from a to z.")
    if name in resources.apis():
        raise Failure(f"There is {name}-api already.")
    routes = [route.path for route in manifest.routes()]
    is_used = any(f"{path}/".startswith(f"/v1/api/{name}/") for path in routes)
    if is_used or (CHECKOUT / "k8s" / "base" / name).exists():
        raise Failure(f"A station cannot be called {name}: that name is in use.")


def main() -> None:
    name = "".join(sys.argv[1:])
    stations = resources.stations()
    if name:
        check(name)
        stations = (*stations, name)
    for path, text in documents(stations).items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            say(f"Written: {path.relative_to(CHECKOUT)}")
    entry.main()
    if name:
        say(
            f"{name}-api is a station now. Its items are lines in apps/product-api/product/menu.py."
        )


if __name__ == "__main__":
    console.main(main)
