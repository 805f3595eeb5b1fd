"""The terminal that the commands write to, and the exit codes that they have in common."""

import json
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

FAILED, CONFIG_ERROR, REFUSED, AWAY, TOO_LATE = 1, 2, 3, 4, 5
INTERRUPTED, PIPE_CLOSED = 130, 141
"""As a shell tells of a process that SIGINT or SIGPIPE ended."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        pipe_closed()


# What is printed is other people's text: no markup, no :emoji: and no colours are read into it.
console = _Console(markup=False, emoji=False, highlight=False)
errors = _Console(stderr=True, markup=False, emoji=False, highlight=False)


class At:
    """Where the shop is: set once, before the command runs."""

    url = ""


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def output(document: Any, as_json: bool, show_it: Callable[[], None]) -> None:
    if as_json:
        print(json.dumps(document))
    else:
        show_it()


def pipe_closed() -> NoReturn:
    """Whoever read our output has enough: `coffee board | head -1`."""
    # Python writes what is left when it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(PIPE_CLOSED)
