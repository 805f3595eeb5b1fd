"""How scripts speak to people: lines of progress, and failures of one line."""

import sys
from collections.abc import Callable


class Failure(Exception):
    """An expected failure. Its text is one line that says what to do."""


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def main(run: Callable[[], int | None]) -> None:
    """Run a script's main function; an expected failure is one line and exit code 1."""
    try:
        sys.exit(run() or 0)
    except Failure as failure:
        say(f"coffeeshop: {failure}")
        sys.exit(1)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's, and not a fault of ours.
        where = f"{error.filename}: " if error.filename else ""
        say(f"coffeeshop: {where}{error.strerror or error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
