"""Stations by staff: every process killed while staff start and finish what is ordered.

Staff look at their station's open tickets, start each item that is queued, and finish each that is
started. What a response told them must be in the station's store at the end (G18).
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import httpx

from scripts.stack import resources
from scripts.stack.supervise import Stack
from tests.faults.audit import CaseResult
from tests.faults.outages import ALL, kill_in_turn
from tests.faults.run import Run
from tests.faults.store_reader import StoreReader

RATE = 5.0
"""Orders a second: what the staff of two stations finish."""
TOKEN = "staff"
SETTINGS = {"making": "by-staff", "staff_token": TOKEN}
PAUSE = 0.2
"""Seconds between two looks at the screen."""
AFTER = {"STARTED": ("STARTED", "READY"), "READY": ("READY",)}
"""What an item may be later, by what staff were told of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A tap that got a response: what that said of an item."""

    order: str
    item: str
    status: str
    make_id: str


class Staff:
    """As a context they work at one station, in a thread of their own, until it ends."""

    def __init__(self, station: str, url: str) -> None:
        self.station = station
        self.told: list[Told] = []
        self._client = httpx.Client(
            base_url=f"{url}/v1/api/{station}",
            headers={"authorization": f"Bearer {TOKEN}"},
            timeout=5,
            trust_env=False,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Staff":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _work(self) -> None:
        while not self._stop.wait(PAUSE):
            try:
                page = self._client.get("/tickets", params={"limit": 100})
                for ticket in page.json()["tickets"] if page.status_code == 200 else ():
                    self._act(ticket["orderId"], {item["status"] for item in ticket["items"]})
            except httpx.TransportError:
                continue  # the station, its sidecar or the store is being killed

    def _act(self, order: str, statuses: set[str]) -> None:
        """Start what is queued, and then finish what is started."""
        for status, step in (("QUEUED", "start"), ("STARTED", "ready")):
            if status in statuses:
                told = self._client.post(f"/tickets/{order}/{step}", json={"by": "ann"})
                if told.status_code == 200:
                    self.told += [
                        Told(order, item["id"], item["status"], item["makeId"])
                        for item in told.json()["items"]
                        if item["status"] in AFTER
                    ]
                return


def kills(run: Run) -> Iterator[CaseResult]:
    """Each process killed once, one after the other, on a stack of its own."""
    home, offset = run.stack.layout.home / "by-staff", run.stack.ports.offset - 1_000
    stations = {f"{station}-api": SETTINGS for station in resources.stations()}
    with Stack(home, offset, stations) as stack:
        stack.up()
        yield kill_all(replace(run, stack=stack, rate=RATE))


def kill_all(run: Run) -> CaseResult:
    run.sell_out(TOKEN)
    with ExitStack() as stack:
        staff = [
            stack.enter_context(Staff(station, run.url(station)))
            for station in resources.stations()
        ]
        result = kill_in_turn(run, ALL)
    result.fault = "each process, by staff"
    told = sum(len(each.told) for each in staff)
    if not told:
        result.broken.append("staff were told nothing")
    for each in staff:
        if wrong := lost_taps(each, run.auditor.stores):
            result.broken.append(f"G18: {len(wrong)} taps are not stored: {wrong[:3]}")
    result.notes.append(f"{told} taps had a response")
    return result


def lost_taps(staff: Staff, stores: StoreReader) -> list[Told]:
    """What staff were told, and the station's ticket does not say."""
    items = {
        item["id"]: item
        for ticket in stores.records(staff.station).values()
        for item in ticket["items"]
    }
    gone = {"status": None, "makeId": None}
    return [
        each
        for each in staff.told
        for stored in [items.get(each.item, gone)]
        if stored["status"] not in AFTER[each.status] or stored["makeId"] != each.make_id
    ]
