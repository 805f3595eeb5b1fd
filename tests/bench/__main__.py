"""`make bench`: ours and a native peer side by side, in one run; see docs/performance.md.

python -m tests.bench            all of it, half an hour: prints the table, and writes
                                 build/bench.json and docs/performance.md with its plots
python -m tests.bench --short    a few ratios, below 90 s; fails if one is 20 % worse than
                                 what the last whole run recorded
python -m tests.bench PART…      some of the parts: prints the table, writes build/bench.json;
                                 with --record what the whole run writes, of these parts

With --against COMMIT the whole run has one part more, some 12 minutes: that commit beside ours.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure, say
from scripts.build.wasm import BUILD
from tests.bench import against, environment, parts, plots, report
from tests.bench.against import Commit
from tests.bench.measures import worse
from tests.bench.parts import PARTS, Results

RECORDED = Path(__file__).parent / "recorded.json"
DOCUMENT = CHECKOUT / "docs" / "performance.md"
PLOTS = CHECKOUT / "docs" / "performance"
TOLERATED = 0.8
"""Of a recorded ratio that is better when it is higher; 1 ÷ it of the others."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Ours beside a native peer.")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--against", type=Commit.named, metavar="COMMIT")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], default=[])
    chosen = parser.parse_args()
    # A signal ends the stacks too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    about = environment.lines()
    if chosen.against:
        about.append((against.VARIANT, str(chosen.against)))
    if chosen.short:
        found = parts.short()
    else:
        found = Results(against=chosen.against)
        for name in chosen.part or _all(found):
            parts.run(name, found)
    table = report.table(about, found)
    print(table)
    _write_json(found)
    if chosen.short:
        _compare(found)
    elif chosen.record or not chosen.part:
        _record(found, table)


def _all(found: Results) -> list[str]:
    return [name for name in PARTS if name != "against" or found.against]


def _write_json(found: Results) -> None:
    BUILD.mkdir(exist_ok=True)
    measures = [each.to_json() for each in report.measures(found)]
    (BUILD / "bench.json").write_text(json.dumps(measures, indent=1, ensure_ascii=False) + "\n")


def _record(found: Results, table: str) -> None:
    PLOTS.mkdir(exist_ok=True)
    if found.curves:
        plots.latency(found.curves, "From the post to the fulfilled order", PLOTS / "latency.svg")
    if found.growth:
        title = "The same question, with more stored orders"
        plots.growth(found.growth, title, PLOTS / "growth.svg")
    report.write(DOCUMENT, table)
    ratios = {
        each.key: round(each.ratio, 3) for each in found.measures if each.target and each.ratio
    }
    RECORDED.write_text(json.dumps(ratios, indent=1, ensure_ascii=False) + "\n")
    say(f"Written: {DOCUMENT.relative_to(CHECKOUT)}, its plots, and what the short form compares.")


def _compare(found: Results) -> None:
    """Raises `Failure` naming what is worse than recorded, or if nothing is."""
    recorded = json.loads(RECORDED.read_text())
    if not any(each.key in recorded for each in found.measures):
        raise Failure(f"{RECORDED.relative_to(CHECKOUT)} records none of these: run `make bench`.")
    if fallen := worse(found.measures, recorded, TOLERATED):
        raise Failure("more than 20 % worse than recorded: " + "; ".join(fallen))


if __name__ == "__main__":
    console.main(main)
