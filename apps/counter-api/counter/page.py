"""The web page: files that are part of the component, and nothing from outside."""

from coffeeshop.files import File, beside

_SAFE = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)


def _file(name: str, media_type: str) -> File:
    return File(beside(__file__, f"static/{name}"), media_type, _SAFE)


HTML = _file("index.html", "text/html; charset=utf-8")
STYLE = _file("page.css", "text/css; charset=utf-8")
SCRIPT = _file("page.js", "text/javascript; charset=utf-8")
ICON = _file("icon.svg", "image/svg+xml")
DESCRIPTION = File(beside(__file__, "openapi.json"))
EVENTS = File(beside(__file__, "asyncapi.json"))
