"""What the commands have in common: exit codes, options, and how a document is printed."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from coffee.output import print_json

FAILED, CONFIG_ERROR, REFUSED, AWAY, TOO_LATE = 1, 2, 3, 4, 5
INTERRUPTED = 130
"""As a shell tells of a process that SIGINT ended."""


class At:
    """Where the shop is: set once, before the command runs."""

    url = ""


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def output(document: Any, as_json: bool, show_it: Callable[[], None]) -> None:
    if as_json:
        print_json(document)
    else:
        show_it()
