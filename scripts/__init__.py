"""Building the components and running the local stack. The guests' contracts and settings are read
from their own code, which is put on the path here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "apps" / "shared"))
