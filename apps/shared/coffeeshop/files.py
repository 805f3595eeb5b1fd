"""Files that are part of a component: read when it is built, served with an ETag."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from coffeeshop.http import JSON, Request, Response
from coffeeshop.operation import Operation


@dataclass(frozen=True, slots=True)
class File:
    """A file's content as an answer; 304 for a client that has it already."""

    content: bytes
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    operation: Operation | None = None
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        # By hand: `object.__setattr__` is how a frozen dataclass derives a field.
        object.__setattr__(self, "etag", etag(self.content))

    async def __call__(self, request: Request) -> Response:
        return not_modified(request, self.etag) or Response(
            200, self.content, self.media_type, (("etag", self.etag), *_CHECK, *self.headers)
        )


_CHECK = (("cache-control", "no-cache"),)
"""Keep it, and ask each time whether it is still that."""


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def not_modified(request: Request, etag: str) -> Response | None:
    """304 if the caller has this version, or, with `*`, any."""
    known = request.header("if-none-match") or ""
    if {etag, "*"} & {each.strip().removeprefix("W/") for each in known.split(",")}:
        return Response(304, headers=(("etag", etag), *_CHECK))
    return None


def read_sibling(module_file: str, name: str) -> bytes:
    """The content of a file, by its path from the folder of a module. For use while a module is
    loaded: a built component has no files. Raises `OSError`."""
    return Path(module_file).parent.joinpath(name).read_bytes()
