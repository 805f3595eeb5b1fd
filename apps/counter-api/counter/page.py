"""The web page: files that are part of the component, and nothing from outside.

scripts/build/page.py makes them of apps/page. Natively, where they are not on the path, the API
runs without them.
"""

from importlib.util import find_spec
from pathlib import Path

from coffeeshop.files import File, read_sibling
from coffeeshop.operation import JSON, Answer, Operation

_SAFE = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
_FOUND = find_spec("webpage")
_FOLDERS = tuple((_FOUND and _FOUND.submodule_search_locations) or ())
_ABSENT = b"This API runs without its page: it is part of the component that `make build` makes.\n"


def _file(name: str, media_type: str) -> File:
    content = Path(_FOLDERS[0], name).read_bytes() if _FOLDERS else _ABSENT
    return File(content, media_type, _SAFE)


HTML = _file("index.html", "text/html; charset=utf-8")
STYLE = _file("page.css", "text/css; charset=utf-8")
SCRIPT = _file("page.js", "text/javascript; charset=utf-8")
ICON = _file("icon.svg", "image/svg+xml")
DESCRIPTION = read_sibling(__file__, "openapi.json")
EVENTS = File(
    read_sibling(__file__, "asyncapi.json"),
    operation=Operation(
        "getEventsDescription",
        "The description of the events (AsyncAPI)",
        (
            Answer(200, "The description", dict[str, object], JSON, ("etag",)),
            Answer(304, "As it was", headers=("etag",)),
        ),
    ),
)
