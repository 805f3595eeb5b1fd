"""Where `coffee` writes: a terminal, a pipe or a file, in any encoding, perhaps closed or full."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console, ConsoleDimensions, RenderableType
from rich.text import Text

PIPE_CLOSED, NOT_WRITTEN = 141, 74
"""Exit codes: as a shell tells of a process that SIGPIPE ended, and EX_IOERR of sysexits.h."""


NARROWEST = 40
"""Columns that what is printed is laid out for at least: a narrower terminal breaks its lines."""


class _Console(Console):
    @property
    def size(self) -> ConsoleDimensions:
        found = super().size
        return ConsoleDimensions(max(found.width, NARROWEST), found.height)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self.width, self.height = new_size

    def on_broken_pipe(self) -> None:
        _end(PIPE_CLOSED)


# What is printed is other people's text: no markup, no :emoji: and no colours are read into it.
console = _Console(markup=False, emoji=False, highlight=False)
errors = _Console(stderr=True, markup=False, emoji=False, highlight=False)


def print_table(table: RenderableType, columns: int, lines: Iterable[Text]) -> None:
    """The table, or its lines where there are fewer columns than it needs."""
    if console.width >= columns:
        console.print(table)
        return
    for line in lines:
        console.print(line, soft_wrap=True)


def print_json(document: Any) -> None:
    """In a line, at once."""
    try:
        print(json.dumps(document), flush=True)
    except BrokenPipeError:
        _end(PIPE_CLOSED)  # here: the library of the commands would make it 1


@contextmanager
def written() -> Iterator[None]:
    """What is printed meanwhile is written at the end, a `?` in place of what the encoding does not
    have. Ends the process with a code of its own where it cannot be: what was asked of the shop is
    done all the same."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has enough: `coffee board | head -1`.
        _end(PIPE_CLOSED)
    except OSError as error:
        errors.print(f"coffee: the output cannot be written ({error.strerror}).", soft_wrap=True)
        _end(NOT_WRITTEN)


def _end(code: int) -> NoReturn:
    # Python writes what is left when it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
