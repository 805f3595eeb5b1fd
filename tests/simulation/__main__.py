"""`make simulate`: run schedules until one fails or the time is up."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def _main() -> None:
    apps = CHECKOUT / "apps"
    sys.path[:0] = [
        str(apps / each) for each in ("shared", "counter-api", "product-api", "station-api")
    ]
    from tests.simulation.campaign import main

    main()


if __name__ == "__main__":
    _main()
