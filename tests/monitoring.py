"""The expressions of the dashboard and of the alerts, as the tests look at them."""

import json
import re
from typing import Any

import yaml

from scripts.base.checkout import CHECKOUT

FOLDER = CHECKOUT / "k8s" / "monitoring"
ALERTS: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["spec"]
_DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())


def expressions() -> list[str]:
    panels = [target["expr"] for panel in _DASHBOARD["panels"] for target in panel["targets"]]
    rules = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
    # Grafana fills this in: any range will do.
    return [each.replace("$__rate_interval", "5m") for each in (*panels, *rules)]


def metrics() -> set[str]:
    """The names of the metrics in all expressions."""
    return {name for each in expressions() for name in re.findall(r"\bdapr_\w+", each)}
