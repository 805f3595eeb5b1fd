"""`make faults`: the whole suite, with a table. `SEED=` draws other moments and other pairs."""

import argparse
import shutil

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.stack.supervise import Stack
from tests.faults.run import PORT_OFFSET, Run
from tests.faults.suite import SUITE, play

HOME = CHECKOUT / ".coffeeshop" / "faults"
"""Each run makes it new, and leaves it, with the logs."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description="Break the stack, count orders.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60, help="of load in a case")
    parser.add_argument("--rate", type=float, default=20, help="orders a second")
    parser.add_argument("case", nargs="*", choices=[*SUITE, []], default=[])
    chosen = parser.parse_args()
    shutil.rmtree(HOME, ignore_errors=True)
    with Stack(HOME, PORT_OFFSET) as stack:
        stack.up()
        run = Run(stack, chosen.seed, rate=chosen.rate, seconds=chosen.seconds)
        verdicts = play(run, chosen.case or list(SUITE))
    broken = sum(bool(result.broken) for result in verdicts)
    print(f"seed {chosen.seed}: {len(verdicts) - broken} passed, {broken} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    console.main(main)
