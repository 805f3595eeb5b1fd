"""`make run`: start everything, place the worked example, tell what really happens, then serve.

`--once` ends after the order: exit code 0 only if it was fulfilled, or, where staff make, taken up.
"""

import os
import signal
import sys
import time
from typing import Any

import httpx

from coffeeshop.settings import BY_STAFF
from scripts.base import console
from scripts.base.console import Failure, say
from scripts.operate.logs import of_order, render
from scripts.operate.status import deaths
from scripts.stack import resources
from scripts.stack.supervise import Stack

CUSTOMER = "ann"
ORDER = {
    "commandType": 0,
    "orderSource": 0,
    "location": 0,
    "loyaltyMemberId": CUSTOMER,
    "baristaItems": [{"itemType": 1}],
    "kitchenItems": [{"itemType": 7}],
}


def main() -> int:
    stack = Stack.default()
    # A terminal that closes ends the stack as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    with stack:
        begin = time.monotonic()
        stack.up()
        say(f"Ready after {time.monotonic() - begin:.1f} s.\n")
        succeeded = place_worked_example(stack)
        if "--once" in sys.argv:
            return 0 if succeeded else 1
        tell_urls(stack)
        try:
            serve(stack)
        except KeyboardInterrupt:
            say("\nStopping …")
    return 0


def place_worked_example(stack: Stack) -> bool:
    """A coffee and a croissant for Ann; prints each step as the APIs log it."""
    url = stack.ports.url("counter")
    token = os.environ.get("COFFEESHOP_POS_TOKEN")
    shop = httpx.Client(
        base_url=url,
        headers={"authorization": f"Bearer {token}"} if token else {},
        timeout=40,
        trust_env=False,
    )
    print(f"{CUSTOMER} orders COFFEE_BLACK ($3.00) and CROISSANT ($3.25):")
    begin = time.monotonic()
    answer = shop.post("/v1/api/orders", json=ORDER, timeout=10)
    if answer.status_code != 201:
        print(f"  refused: {answer.status_code} {answer.text}")
        return False
    placed = answer.json()
    staffed = os.environ.get("COFFEESHOP_MAKING") == BY_STAFF
    done = taken_up(shop, placed["id"]) if staffed else ended(shop, placed["id"])
    seconds = time.monotonic() - begin
    time.sleep(0.1)  # the last log line may be on its way
    apis = [log for log in stack.logs() if log.name.endswith("-api.log")]
    for line in of_order(apis, placed["id"]):
        print("  " + render(line))
    print(f"\n  order {done['id']}")
    for item in done["items"]:
        print(f"    {item['name']:15} ${item['price']:.2f}  {item['station']:8} {item['status']}")
    print(f"    {'total':15} ${done['total']:.2f}  {done['status']}")
    if staffed:
        print(f"  {seconds:.2f} s until it was with the staff, who have to start and finish it:")
        for station in resources.stations():
            print(f"    {stack.ports.url('counter')}/#station/{station}")
        print()
        return all(item["status"] == "QUEUED" for item in done["items"])
    print(f"  {seconds:.2f} s from the order to its result\n")
    return bool(done["status"] == "FULFILLED")


def ended(shop: httpx.Client, order: str) -> Any:
    """The order when it has ended, or else after 30 s."""
    return shop.get(f"/v1/api/orders/{order}", params={"wait": 30}).json()


def taken_up(shop: httpx.Client, order: str) -> Any:
    """The order when its stations have it, or else after 30 s."""
    deadline = time.monotonic() + 30
    while True:
        found = shop.get(f"/v1/api/orders/{order}").json()
        is_open = any(item["status"] == "PLACED" for item in found["items"])
        if not is_open or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def tell_urls(stack: Stack) -> None:
    for api, path in (
        ("counter", "/"),
        ("product", "/v1-get-item-types"),
        ("counter", f"/v1/api/orders?loyaltyMemberId={CUSTOMER}"),
        ("counter", "/v1/api/fulfillment-orders"),
        *((station, f"/v1/api/{station}/unavailable") for station in resources.stations()),
    ):
        print(f"  {stack.ports.url(api)}{path}")
    if stack.traces_url:
        print(f"  {stack.traces_url}  every order's trace")
    for url in stack.ports.urls_for_others():
        print(f"  {url}/  for others: they are asked for the token")
    open_to = [name for name in ("POS", "STAFF") if not os.environ.get(f"COFFEESHOP_{name}_TOKEN")]
    if open_to:
        names = " and ".join(f"COFFEESHOP_{name}_TOKEN" for name in open_to)
        print(f"Not set: {names}. Who reaches these ports needs none.")
    print("Serving. Ctrl-C stops everything.", flush=True)


def serve(stack: Stack) -> None:
    """Until interrupted; reports each process that dies. Raises `Failure` when supervisord does."""
    told = len(deaths(stack.events.read_text()))
    while True:
        time.sleep(0.5)
        if not stack.is_up():
            raise Failure("supervisord is gone: what it left behind is stopped.")
        for line in deaths(stack.events.read_text())[told:]:
            say(line)
            told += 1


if __name__ == "__main__":
    console.main(main)
