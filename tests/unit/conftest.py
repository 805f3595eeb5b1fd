"""The guests' modules, imported natively: they are plain Python over one transport."""

import sys
from pathlib import Path

APPS = Path(__file__).resolve().parents[2] / "apps"
for folder in ("shared", "counter-api", "product-api"):
    sys.path.insert(0, str(APPS / folder))
