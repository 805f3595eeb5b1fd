"""The plots of docs/performance.md, as SVG files."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pygal
from pygal.style import Style

from tests.bench.measures import Measure
from tests.bench.open_loop import Timed

SHARES = (0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999)
_STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    colors=("#b4531a", "#2f6f8f", "#6b6b6b"),
    font_family="sans-serif",
    stroke_width="2.5",
    guide_stroke_color="#dddddd",
    major_guide_stroke_color="#cccccc",
)


def latency(curves: Mapping[str, Timed], title: str, target: Path) -> None:
    """Milliseconds by percentile, each as far to the right as it is rare."""
    plot = pygal.XY(title=title, x_title="percentile", y_title="ms", include_x_axis=True, **_LOOKS)
    plot.x_labels = [{"value": _rarity(share), "label": f"{100 * share:g}"} for share in SHARES]
    for variant, timed in curves.items():
        shares = [1 - 10 ** (-rarity / 20) for rarity in range(61)]
        plot.add(variant, [(_rarity(share), _shown(timed.percentile(share))) for share in shares])
    _write(plot, target)


def growth(measures: Sequence[Measure], title: str, target: Path) -> None:
    """Each question's milliseconds with few and with many stored orders."""
    plot = pygal.HorizontalBar(title=title, x_title="ms", **_LOOKS)
    shown = [each for each in measures if each.other is not None]
    plot.x_labels = [each.name.rpartition(", at ")[0] for each in shown]
    plot.add(shown[0].other_is, [each.other.median for each in shown if each.other])
    plot.add(f"at {shown[0].name.rpartition(', at ')[2]}", [each.ours.median for each in shown])
    _write(plot, target)


_UNNEEDED = re.compile(r"<script.*?</script>|<!--.*?-->|/\*.*?\*/", re.DOTALL)
"""A page's script, which an image does not run, and comments."""


def _write(plot: pygal.graph.graph.Graph, target: Path) -> None:
    target.write_text(_UNNEEDED.sub("", plot.render().decode()) + "\n")


_LOOKS = {
    "style": _STYLE,
    "js": (),  # nothing is loaded from elsewhere
    "no_prefix": True,  # equal figures give equal files
    "width": 800,
    "height": 420,
    "show_dots": False,
    "legend_at_bottom": True,
    "pretty_print": True,
}


def _rarity(share: float) -> float:
    return -math.log10(1 - share)


def _shown(milliseconds: float) -> float | None:
    return round(milliseconds, 2) if math.isfinite(milliseconds) else None
