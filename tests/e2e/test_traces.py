"""One order, one trace: from the POS through all four sidecars and back."""

import secrets

from driver import Driver, order
from scripts.operate.logs import of_order
from scripts.stack.supervise import Stack
from spans import Collector
from tests.support.waiting import until

SIDECARS = {"product-api", "counter-api", "barista-api", "kitchen-api"}


def test_an_orders_trace_has_spans_of_all_four_sidecars(
    shop: Driver, stack: Stack, collector: Collector
) -> None:
    trace, pos = secrets.token_hex(16), secrets.token_hex(8)
    collector.keep(trace)
    placed = shop.post(order("ann"), traceparent=f"00-{trace}-{pos}-01")
    done = shop.finished(placed.json()["id"])
    assert done["status"] == "FULFILLED"

    def seen() -> set[str]:
        return {span["localEndpoint"]["serviceName"] for span in collector.spans(trace)}

    until(lambda: seen() == SIDECARS, 30, f"spans of {seen()} alone")
    spans = collector.spans(trace)
    names = {span["name"] for span in spans}
    assert any("barista_order_placed" in name for name in names), names
    assert any("kitchen_order_updated" in name for name in names), names
    ids = {span["id"] for span in spans}
    unrooted = [s["name"] for s in spans if s.get("parentId") not in ids | {pos}]
    assert not unrooted, "spans that hang from nothing"

    logs = [log for log in stack.logs() if log.name.endswith("-api.log")]
    lines = until(lambda: of_order(logs, done["id"]), 5, "no log lines")
    assert {line["api"] for line in lines} == SIDECARS - {"product-api"}
    assert {line["traceId"] for line in lines} == {trace}
