import sys
from pathlib import Path

# The rule for people's texts is the shop's.
sys.path.append(str(Path(__file__).parents[2] / "shared"))

from coffee.cli import main

main()
