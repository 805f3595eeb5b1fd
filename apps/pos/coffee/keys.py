"""Keys of a terminal, one by one as they are pressed. For terminals of Unix."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from coffee.screen import DOWN, ENTER, ERASE, ESCAPE, TAB, UP

_NAMES = {
    "\x1b[A": UP,
    "\x1b[B": DOWN,
    "\x1bOA": UP,
    "\x1bOB": DOWN,
    "\t": TAB,
    "\r": ENTER,
    "\n": ENTER,
    "\x7f": ERASE,
    "\b": ERASE,
    "\x1b": ESCAPE,
}


@contextmanager
def one_by_one() -> Iterator[None]:
    """Keys come as they are pressed, and are not shown. Ctrl-C still interrupts."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def pressed(seconds: float) -> list[str]:
    """What was pressed within this time: characters, and the names of other keys."""
    terminal = sys.stdin.fileno()
    if not select.select([terminal], [], [], seconds)[0]:
        return []
    return list(parted(os.read(terminal, 1024).decode(errors="ignore")))


def parted(typed: str) -> Iterator[str]:
    """The keys that a terminal tells so. One that is not known is left out."""
    while typed:
        length = 3 if typed[:2] in ("\x1b[", "\x1bO") else 1
        key, typed = typed[:length], typed[length:]
        if key in _NAMES:
            yield _NAMES[key]
        elif len(key) == 1 and key.isprintable():
            yield key
