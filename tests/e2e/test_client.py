"""A client that a public generator makes from the description places an order and reads it."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from driver import Driver, somebody
from scripts.describe import descriptions


def test_a_generated_client_places_and_reads_an_order(
    shop: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "generated"
    config = tmp_path / "config.yml"
    config.write_text("package_name_override: counter_client\npost_hooks: []\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", descriptions.target("counter"), "--output-path", target / "counter_client"),
            *("--config", config),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    monkeypatch.syspath_prepend(str(target))
    client: Any = importlib.import_module("counter_client")
    models: Any = importlib.import_module("counter_client.models")
    place: Any = importlib.import_module("counter_client.api.counter.place_order")
    get: Any = importlib.import_module("counter_client.api.counter.get_order")

    counter = client.Client(base_url=str(shop.counter.base_url).rstrip("/"))
    customer = somebody()
    placed = place.sync(
        client=counter,
        body=models.PlaceOrder(
            loyalty_member_id=customer,
            barista_items=[models.ItemRequest(item_type=1)],
            kitchen_items=[models.ItemRequest(item_type=7)],
        ),
        idempotency_key=customer,
    )
    assert placed.total == 6.25
    done = get.sync(placed.id, client=counter, wait=20)
    assert done.status == "FULFILLED"
    assert done.loyalty_member_id == customer
    refused = place.sync(client=counter, body=models.PlaceOrder(loyalty_member_id=customer))
    assert refused.errors[0].field
