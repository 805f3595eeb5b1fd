"""Stations by staff on the real stack: tickets are taken up, tapped at two screens, and closed."""

import concurrent.futures
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from described import description
from driver import PORT_OFFSET, Json, order
from scripts.stack import resources
from scripts.stack.plan import Ports
from scripts.stack.supervise import Stack

OFFSET = PORT_OFFSET + 1_000
TIMES = 200
"""How often two screens tap the same ticket at once."""
STAFF = {"authorization": "Bearer staff"}


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """Of a shop whose stations make by staff."""
    home: Path = tmp_path_factory.mktemp("staff")
    given = {"making": "by-staff", "staff_token": "staff"}
    stations = {f"{station}-api": given for station in resources.stations()}
    with Stack(home, OFFSET, stations) as running:
        running.up()
        yield running.ports


def client(ports: Ports, api: str) -> httpx.Client:
    """Every answer must be one that the API's description has."""
    return httpx.Client(
        base_url=ports.url(api),
        headers=STAFF if api != "counter" else {},
        timeout=40,
        trust_env=False,
        event_hooks={"response": [description(api).check]},
    )


@pytest.fixture
def counter(ports: Ports) -> Iterator[httpx.Client]:
    with client(ports, "counter") as found:
        yield found


@pytest.fixture
def barista(ports: Ports) -> Iterator[httpx.Client]:
    with client(ports, "barista") as found:
        yield found


def place(counter: httpx.Client) -> str:
    answer = counter.post("/v1/api/orders", json=order("ann", (1, 5), ()))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ticket(barista: httpx.Client, order_id: str) -> Json:
    """As soon as the station has it."""
    deadline = time.monotonic() + 20
    while True:
        answer = barista.get(f"/v1/api/barista/tickets/{order_id}")
        if answer.status_code == 200 or time.monotonic() > deadline:
            found: Json = answer.json()
            return found
        time.sleep(0.02)


def statuses(counter: httpx.Client, order_id: str, until: str) -> list[str]:
    """Of the order's items, as soon as one of them has this status."""
    deadline = time.monotonic() + 20
    while True:
        items = counter.get(f"/v1/api/orders/{order_id}").json()["items"]
        found = [item["status"] for item in items]
        if until in found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def tap(barista: httpx.Client, order_id: str, what: str, by: str, **more: object) -> httpx.Response:
    path = f"/v1/api/barista/tickets/{order_id}/{what}"
    return barista.post(path, json={"by": by, **more})


def test_an_order_goes_its_way_as_staff_say(counter: httpx.Client, barista: httpx.Client) -> None:
    """What is started when a cancellation comes is made, and the rest is not (T7)."""
    order_id = place(counter)
    coffee, _latte = ticket(barista, order_id)["items"]
    assert statuses(counter, order_id, "QUEUED") == ["QUEUED", "QUEUED"]
    assert tap(barista, order_id, "start", "ann", items=[coffee["id"]]).status_code == 200
    assert statuses(counter, order_id, "STARTED") == ["STARTED", "QUEUED"]
    assert counter.post(f"/v1/api/orders/{order_id}/cancel").status_code == 202
    assert statuses(counter, order_id, "CANCELLED") == ["STARTED", "CANCELLED"]
    assert tap(barista, order_id, "ready", "ann").status_code == 200
    assert statuses(counter, order_id, "READY") == ["READY", "CANCELLED"]


def test_two_screens_tap_at_the_same_moment_and_each_action_happens_once(
    ports: Ports, counter: httpx.Client, barista: httpx.Client
) -> None:
    """T3, T5: one of the two is told that somebody was faster, and both see the same."""
    orders = [place(counter) for _ in range(TIMES // 2)]
    for order_id in orders:
        ticket(barista, order_id)
    told: Counter[tuple[int, ...]] = Counter()
    with (
        client(ports, "barista") as ann,
        client(ports, "barista") as bob,
        concurrent.futures.ThreadPoolExecutor(2) as screens,
    ):
        for order_id in orders:
            for sequence, what in enumerate(("start", "ready"), 1):

                def press(by: str, screen: httpx.Client) -> httpx.Response:
                    return screen.post(
                        f"/v1/api/barista/tickets/{order_id}/{what}",  # noqa: B023 - awaited below
                        json={"by": by},
                        headers={"if-match": f'"{sequence}"'},  # noqa: B023
                    )

                both = [screens.submit(press, "ann", ann), screens.submit(press, "bob", bob)]
                answers = [each.result() for each in both]
                told[tuple(sorted(each.status_code for each in answers))] += 1
                assert answers[0].json() == answers[1].json()
                assert answers[0].json()["sequence"] == sequence + 1
    assert told == {(200, 412): TIMES}
    for order_id in orders:
        assert statuses(counter, order_id, "READY") == ["READY", "READY"]
    assert barista.get("/v1/api/barista/tickets").json()["tickets"] == []


def test_a_screen_is_told_of_a_new_ticket_within_a_second(
    counter: httpx.Client, barista: httpx.Client
) -> None:
    with barista.stream("GET", "/v1/api/barista/tickets/events?changes=true") as stream:
        pages = (
            json.loads(line.removeprefix("data: "))
            for line in stream.iter_lines()
            if line.startswith("data: ")
        )
        next(pages)
        order_id = place(counter)
        begin = time.monotonic()
        for page in pages:
            if any(each["orderId"] == order_id for each in page["tickets"]):
                break
        assert time.monotonic() - begin < 2  # a second, and what a busy machine takes


def test_closing_the_day_ends_what_is_open(counter: httpx.Client, barista: httpx.Client) -> None:
    """T8."""
    order_id = place(counter)
    ticket(barista, order_id)
    closing = {"by": "ann", "reason": "The shop closes."}
    told = barista.post("/v1/api/barista/close-day", json=closing).json()
    assert told["ended"] >= 1
    assert told["open"] == 0
    assert statuses(counter, order_id, "FAILED") == ["FAILED", "FAILED"]
    assert barista.get("/v1/api/barista/times").json()["tickets"] > 0


def test_tickets_are_for_staff_alone(ports: Ports) -> None:
    base = f"{ports.url('barista')}/v1/api/barista"
    for path in ("/tickets", "/tickets/events", "/times"):
        assert httpx.get(f"{base}{path}", trust_env=False).status_code == 401
