"""The alerts and the dashboard as Prometheus itself judges them (promtool)."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import monitoring

MISSING = "the alerts' tests need promtool: apt-get install prometheus"


def promtool(*arguments: str | Path) -> None:
    if shutil.which("promtool") is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    ran = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def written(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(document))
    return path


def test_every_expression_is_accepted(tmp_path: Path) -> None:
    recorded = [
        {"record": f"expression:number_{n}", "expr": expression}
        for n, expression in enumerate(monitoring.expressions())
    ]
    assert len(recorded) > 10
    rules = {"groups": [{"name": "all", "rules": recorded}]}
    promtool("check", "rules", written(tmp_path, "all.yaml", rules))
    promtool("check", "rules", written(tmp_path, "alerts.yaml", monitoring.ALERTS))


def series(metric: str, values: str, **labels: str) -> dict[str, str]:
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {"series": f"{metric}{{{inside}}}", "values": values}


PLACED = "dapr_component_pubsub_egress_count"
INGRESS = "dapr_component_pubsub_ingress_bulk_event_count"
SWEEP = "dapr_component_input_binding_count"


def sweeps(values: str, success: str = "true") -> dict[str, str]:
    return series(SWEEP, values, app_id="counter-api", component="sweep", success=success)


@pytest.mark.parametrize(
    ("alert", "inputs"),
    [
        (
            "OrdersWaiting",
            [
                series(
                    PLACED,
                    "0+30x30",
                    app_id="counter-api",
                    topic="kitchen_order_placed",
                    success="true",
                ),
                series(
                    INGRESS,
                    "0+2x30",
                    app_id="counter-api",
                    topic="kitchen_order_updated",
                    process_status="success",
                ),
            ],
        ),
        (
            "DeliveriesRetried",
            [series(INGRESS, "0+60x30", app_id="a", topic="t", process_status="retry")],
        ),
        (
            "DeadLetters",
            [series(INGRESS, "0+1x30", app_id="a", topic="t", process_status="drop")],
        ),
        (
            "DeadLetters",
            [series(INGRESS, "_x15 1x15", app_id="a", topic="t", process_status="drop")],
        ),
        ("SweepStands", [sweeps("0+6x5 30x25"), sweeps("0+6x30", "false")]),
        ("SweepStands", [sweeps("0+6x30", "false")]),
        (
            "OrdersLate",
            [
                series(
                    "dapr_http_client_completed_count",
                    "0+6x30",
                    app_id="counter-api",
                    method="POST",
                    status="202",
                )
            ],
        ),
    ],
)
def test_an_alert_fires_when_it_should(
    tmp_path: Path, alert: str, inputs: list[dict[str, str]]
) -> None:
    rules = written(tmp_path, "alerts.yaml", monitoring.ALERTS)
    quiet = [
        series(INGRESS, "5x30", app_id="a", topic="t", process_status="success"),
        sweeps("0+6x30"),
    ]
    for given, fires in ((inputs, True), (quiet, False)):
        test = {
            "rule_files": [str(rules)],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": given,
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                            "eval_time": "20m",
                            "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                        }
                    ],
                }
            ],
        }
        promtool("test", "rules", written(tmp_path, "test.yaml", test))
