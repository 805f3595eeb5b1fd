"""docs/guarantees.md, checked at each step. The numbers are that page's.

Nothing here asks the code under test: what must hold is said again, independently.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from coffeeshop.transport import Call
from tests.dapr.services import BackingServices, Message
from tests.simulation.ticket_invariants import Tickets
from tests.simulation.world import App, World

Json = dict[str, Any]

GRACE_PERIOD = timedelta(seconds=90)
PLACE_BUDGET = timedelta(seconds=2)
LATENESS = timedelta(seconds=5), timedelta(seconds=70)
"""How long after its time an order may be made at most: the call for the clock takes a while, and
where clocks differ there is a minute for which it is not asked for."""
REMINDER_TIMEOUT = 30_000
"""Milliseconds that a station has for the last question before it is given up."""
READY = ("FULFILLED", "PARTIAL")
TERMINAL = ("FULFILLED", "PARTIAL", "FAILED", "CANCELLED")
OF_STAFF = ("startedBy", "endedBy")


class Invariants:
    def __init__(self, world: World, services: BackingServices) -> None:
        self._world = world
        self._engines = services
        self.records: dict[str, Json] = {}
        """counter-api's orders and tombstones by order id."""
        self.saved_at: dict[str, int] = {}
        self.reports: dict[tuple[str, str], Json] = {}
        """The counter's reports by order id and station."""
        self.cancelled: set[str] = set()
        """Orders for which a cancellation is stored."""
        self.collected: set[str] = set()
        """Orders of which it is stored that they were collected."""
        self._numbers: dict[int, str] = {}
        """Of which order each number is. No run lasts as long as a number rests."""
        self.answers: dict[tuple[str, str], Json] = {}
        """The stations' records by station and order id."""
        self.acknowledged: dict[str, Json] = {}
        self.by_key: dict[str, str] = {}
        self.sold_out: set[int] = set()
        """Items that were sold out at some moment."""
        self._indexed: defaultdict[str, set[str]] = defaultdict(set)
        self._places: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        """Where an order's entries stand in the index of all: shard, segment, place."""
        self._published: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        """When what was published of an order to a station: by what, order and station."""
        self._placed: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self._gone: set[str] = set()
        """Orders that a cancellation was told there will never be."""
        self.watched: list[str] = []
        """The orders that the sweep has not done with."""
        self._make_ids: dict[str, str] = {}
        self._made: set[str] = set()
        self.events: Counter[str] = Counter()
        """The APIs' log lines by their event."""
        self.answers_told: Counter[int] = Counter()
        self._refused: set[int] = set()
        """The `location` of requests that were refused for good: the simulated POS puts a number
        of its own there."""
        self._promised: dict[tuple[str, int], str] = {}
        """What was answered 201, by key and request."""
        self.tickets = Tickets(self._expect)
        """What staff see and do."""
        services.on_write = self.written
        services.on_publish = self.published
        services.on_handled = self.handled
        world.on_call = self.called
        world.order_state = self.state

    def state(self, order: str | None) -> str:
        """Of an order, for the table of crash points."""
        record = self.records.get(order or "")
        if record is None:
            return "not saved"
        if record["kind"] != "order":
            return "abandoned"
        return "settled" if record["settled"] is not None else self.derived(record)[0]

    def derived(self, record: Json) -> tuple[str, dict[str, tuple[str, str | None]]]:
        """The status that the public has to see, and each item's status and reason."""
        stations = {item["station"] for item in record["items"]}
        known = {s: self.reports[record["id"], s] for s in stations if self._has(record, s)}
        items: dict[str, tuple[str, str | None]] = {
            item["id"]: ("PLACED", None) for item in record["items"]
        }
        for report in known.values():
            items |= {each["id"]: (each["status"], each["reason"]) for each in report["items"]}
        if not known:
            return "PLACED", items
        if len(known) < len(stations) or not all(report["final"] for report in known.values()):
            return "IN_PROGRESS", items
        statuses = {status for status, _ in items.values()}
        if statuses == {"READY"}:
            return "FULFILLED", items
        if statuses == {"CANCELLED"}:
            return "CANCELLED", items
        return ("PARTIAL" if "READY" in statuses else "FAILED"), items

    def _has(self, record: Json, station: str) -> bool:
        return (record["id"], station) in self.reports

    def open_orders(self) -> list[str]:
        return [
            order
            for order, record in self.records.items()
            if record["kind"] == "order" and self.derived(record)[0] not in TERMINAL
        ]

    def unsettled(self) -> list[str]:
        """Orders that have not ended, or have and are not settled."""
        return [
            order
            for order, record in self.records.items()
            if record["kind"] == "order" and record["settled"] is None
        ]

    def _expect(self, number: int, holds: bool, text: str) -> None:
        if not holds:
            self._world.violated(number, text)

    # The stores

    def written(self, store: str, key: str, before: bytes | None, value: Any) -> None:
        old = json.loads(before) if before else None
        if store == "counter-store":
            if key.startswith(("all-", "customer-")):
                self._index_written(key, value)
            elif key == "paces":
                pass  # estimates promise nothing
            elif key == "watch":
                self._watch_written(value)
            elif key.startswith("report-"):
                order, _, station = key.removeprefix("report-").rpartition("-")
                self._report_written(order, station, old, value)
            elif key.startswith("cancel-"):
                order = key.removeprefix("cancel-")
                self._expect(8, self._is_order(order), f"{order} is cancelled and is no order")
                self.cancelled.add(order)
            elif key.startswith("collected-"):
                self._collected(key.removeprefix("collected-"), old)
            else:
                self._record_written(key, old, value)
        elif key.startswith("order-"):
            self._answer_written(store.removesuffix("-store"), key.removeprefix("order-"), value)
        elif key != "unavailable":
            self.tickets.written(store.removesuffix("-store"), key, value)

    def _collected(self, order: str, before: Json | None) -> None:
        self._expect(21, before is None, f"{order} was collected twice")
        self._expect(21, self.is_ready(order), f"{order} was collected and is {self.state(order)}")
        self.collected.add(order)

    def is_ready(self, order: str) -> bool:
        """Whether it has ended with something to hand over."""
        return self._is_order(order) and self.derived(self.records[order])[0] in READY

    def _is_order(self, order: str) -> bool:
        return self.records.get(order, {}).get("kind") == "order"

    def _index_written(self, key: str, segment: Json) -> None:
        _, order = segment["entries"][-1]
        name, shard, *full = key.rsplit("-", key.count("-"))
        self._indexed[order].add(name)
        if name == "all" and not full:
            place = int(shard), segment["number"], len(segment["entries"])
            self._places[order].append(place)

    def _watch_written(self, watch: Json) -> None:
        """What stands before the positions is remembered, or done (W12)."""
        self.watched = [entry["id"] for entry in watch["open"]]
        still_open = set(self.watched)
        positions = [tuple(position) for position in watch["positions"]]
        for order, places in self._places.items():
            if order in still_open or not positions:
                continue
            if any(tuple(place) <= positions[shard] for shard, *place in places):
                record = self.records.get(order)
                done = record is not None and (
                    record["kind"] != "order" or record["settled"] is not None
                )
                self._expect(11, done, f"{order}, {self.state(order)}, is not watched any more")

    def _record_written(self, order: str, before: Json | None, after: Json) -> None:
        self.records[order] = after
        if before is None:
            self.saved_at[order] = self._world.now
            if after["kind"] == "order":
                self._expect(7, order not in self._gone, f"{order} came after its cancellation")
                self._expect(13, after["location"] not in self._refused, f"{order} was refused")
                self._expect(11, "all" in self._indexed[order], f"{order} is not watched")
                both = {"all", "customer"} <= self._indexed[order]
                self._expect(10, both, f"{order} was saved before it was in the indexes")
                self._expect(3, after["settled"] is None, f"{order} was placed as settled")
                owner = self._numbers.setdefault(after["number"], order)
                self._expect(20, owner == order, f"{owner} and {order} have the same number")
            return
        self._expect(7, before["kind"] == "order", f"the tombstone of {order} was replaced")
        if before["kind"] != "order":
            return
        self._expect(7, after["kind"] == "order", f"the order {order} was replaced by a tombstone")
        if after["kind"] != "order":
            return
        self._expect(3, before["settled"] is None, f"{order} was settled and was changed")
        self._expect(3, {**before, "settled": 0} == {**after, "settled": 0}, f"{order} is another")
        needed = sorted({item["station"] for item in before["items"]})
        settled = after["settled"] or []
        self._expect(3, [r["station"] for r in settled] == needed, f"{order} lacks a report")
        for report in settled:
            stored = self.reports.get((order, report["station"]))
            ended = f"{order} was ended before its {report['station']} had done"
            self._expect(17, report["final"], ended)
            self._expect(3, stored == report, f"{order} was settled otherwise than reported")
            if report["gave_up"]:
                told = self._published["cancelled", order, report["station"]]
                self._expect(9, bool(told), f"{order}: a station that was given up may go on")

    def _report_written(self, order: str, station: str, before: Json | None, after: Json) -> None:
        self.reports[order, station] = after
        if before is not None:
            self._expect(3, not before["final"], f"the {station}'s final report was overwritten")
            newer = after["final"] or after["sequence"] > before["sequence"]
            self._expect(3, newer, f"an older report of the {station} on {order} won")
        if after["gave_up"]:
            self._expect(17, before is None, f"{order} was accepted and given up")
            self._given_up(order, station)
            return
        answer = self.answers.get((station, order), {"items": [], "sequence": 0})
        said = [(each["id"], each["status"], each["reason"]) for each in answer["items"]]
        has = [(each["id"], each["status"], each["reason"]) for each in after["items"]]
        if after["sequence"] == answer["sequence"]:
            self._expect(5, said == has, f"{order} is reported without its station's word")
        else:
            older = after["sequence"] < answer["sequence"] and not after["final"]
            self._expect(5, older, f"{order} is reported without its station's word")

    def _given_up(self, order: str, station: str) -> None:
        due = datetime.fromisoformat(self.records[order]["expires_at"]) + GRACE_PERIOD
        self._expect(9, self._world.clock() > due, f"{order} was given up before its time")
        begin = self._world.clock() - timedelta(milliseconds=self._world.now)
        due_at = (due - begin) / timedelta(milliseconds=1)
        asked = [at for at in self._published["placed", order, station] if at > due_at]
        long_ago = bool(asked) and self._world.now - asked[0] >= REMINDER_TIMEOUT
        self._expect(9, long_ago, f"{order} was given up without a last question")

    def _answer_written(self, station: str, order: str, answer: Json) -> None:
        known = self.answers.get((station, order))
        self._expect(8, self._is_order(order), f"the {station} decided {order}, which is no order")
        if known is not None:
            self._expect(4, not known["final"], f"the {station} decided {order} twice")
            rises = answer["sequence"] == known["sequence"] + 1
            self._expect(4, rises, f"the {station}'s record of {order} does not rise")
        self.answers[station, order] = answer
        self.tickets.changed(station, order, known, answer)
        for item in answer["items"]:
            make_id = item["makeId"]
            if item["status"] in ("READY", "STARTED"):
                own = make_id is not None and self._make_ids.setdefault(make_id, item["id"])
                self._expect(4, own == item["id"], f"{item['id']} has no makeId of its own")
                if known is None:
                    continue
                before = {each["id"]: each["makeId"] for each in known["items"]}[item["id"]]
                self._expect(4, before in (None, make_id), f"{item['id']} is made twice")
            elif item["status"] == "CANCELLED":
                self._expect(16, make_id is None, f"{item['id']} was begun and is cancelled")
            elif item["status"] == "FAILED" and "sold out" in item["reason"]:
                known_sold_out = item["itemType"] in self.sold_out
                self._expect(5, known_sold_out, f"{item['id']} was never sold out")
            elif item["status"] == "FAILED" and known is None:  # later staff may fail it
                self._expect(5, self._late_by(order) > timedelta(0), f"{item['id']} came in time")

    def _late_by(self, order: str) -> timedelta:
        """How long ago the order was too late, by the counter's clock."""
        expires = self.records.get(order, {}).get("expires_at")
        return self._world.clock() - datetime.fromisoformat(expires) if expires else timedelta(0)

    # The broker

    def published(self, message: Message) -> None:
        data = message.data
        order = str(data.get("orderId"))
        station, _, what = message.topic.partition("_order_")
        if what in ("placed", "cancelled"):
            is_order = self._is_order(order)
            self._expect(8, is_order, f"{order} was {what} while it is {self.state(order)}")
            due = self.records.get(order, {}).get("expires_at")
            self._expect(9, due == data["expiresAt"], f"{order} was given another deadline")
            sent_at = datetime.fromisoformat(message.attributes["time"])
            left = timedelta(seconds=data["secondsLeft"])
            same = due is not None and sent_at + left == datetime.fromisoformat(due)
            self._expect(9, same, f"{order} is wanted for another time")
            self._published[what, order, station].append(self._world.now)
            if what == "placed":
                self._placed[order, station].append(message)
        if what == "cancelled":
            given_up = self.reports.get((order, station), {}).get("gave_up")
            wanted = order in self.cancelled or given_up
            self._expect(9, bool(wanted), f"{order} is cancelled, and nobody asked for it")
        elif what == "updated":
            known = self.answers.get((station, order), {"items": None, "sequence": 0})
            # Who did it stays with the station.
            recorded = [
                {name: value for name, value in item.items() if name not in OF_STAFF}
                for item in known["items"] or ()
            ]
            same = recorded == data["items"] or data["sequence"] < known["sequence"]
            self._expect(4, same, f"{order} is reported, but not as recorded")

    def handled(self, message: Message) -> None:
        """A report that was taken is stored, or a newer one is (W7). A cancellation that came
        before its order was taken up cancelled it (W13)."""
        station, _, what = message.topic.partition("_order_")
        if what == "cancelled":
            order = message.data["orderId"]
            items = self.answers.get((station, order), {"items": []})["items"]
            untouched = not any(each.deliveries for each in self._placed[order, station])
            all_cancelled = {item["status"] for item in items} == {"CANCELLED"}
            self._expect(16, all_cancelled or not untouched, f"{order} was cancelled and is made")
        if not message.topic.endswith("_order_updated"):
            return
        order, station = message.data["orderId"], message.data["station"]
        report = self.reports.get((order, station), {"final": False, "sequence": -1})
        number = message.data.get("sequence", 1)
        is_final = message.data.get("final", True)
        kept = report["final"] or (report["sequence"] >= number and not is_final)
        self._expect(15, kept, f"the {station}'s report {number} on {order} was lost")

    def called(self, app: App, call: Call) -> None:
        """No attempt to place an order creates it after its budget (W2), and no station begins to
        make one that is too late."""
        api = app.name
        if call.method == "POST" and b'"makeId":"' in call.body and "/state/" in call.target:
            allowed = LATENESS[bool(app.ahead)]
            for each in filter(_is_made, json.loads(call.body)):
                late = "etag" not in each and self._late_by(each["value"]["orderId"]) > allowed
                self._expect(5, not late, f"{each['key']} was too late, and is made")
        if api != "counter-api" or call.method != "POST" or b'"kind":"order"' not in call.body:
            return
        (item, *_) = json.loads(call.body)
        if "etag" in item or item["value"]["settled"] is not None:
            return
        placed_at = datetime.fromisoformat(item["value"]["placed_at"])
        in_time = self._world.clock() - placed_at <= PLACE_BUDGET
        self._expect(13, in_time, f"{item['key']} is created after its budget")

    # Logs

    def logged(self, line: Json) -> None:
        self.events[line["event"]] += 1
        if line["event"] == "item.made":
            order, station = line["orderId"], line["api"].removesuffix("-api")
            recorded = self.answers.get((station, order), {"items": []})["items"]
            make_id = line["makeId"]
            is_recorded = any(item["makeId"] == make_id for item in recorded)
            self._expect(4, is_recorded, f"{order}: made without a record")
            self._expect(4, make_id not in self._made, f"{order}: {make_id} was made twice")
            self._made.add(make_id)
        elif line["event"] == "request.failed":
            self._expect(14, False, f"{line['api']} {line['path']}: {line['cause']}")

    # What a POS was told

    def told(self, key: str | None, body: Json, status: int, answer: Json, *, at: bool) -> None:
        """`at`: whether the answer says where the order may be (Location)."""
        self.answers_told[status] += 1
        known = (201, 409, 422, 429, 503)
        self._expect(14, status in known, f"a POS was answered {status}")
        request = (key or "", body["location"])
        if status == 201:
            self._told_placed(request, body, answer)
            return
        if status in (409, 422):
            promised = self._promised.get(request) if key else None
            self._expect(6, promised is None, f"{promised} was acknowledged, now it is {status}")
        if status in (409, 422) or (key is None and not at):
            self._refused.add(body["location"])
            for order, record in self.records.items():
                made = record["kind"] == "order" and record["location"] == body["location"]
                self._expect(13, not made, f"{order} was refused with {status}")
        if status == 409:
            kinds = {record["kind"] for record in self.records.values()}
            self._expect(6, "tombstone" in kinds, f"the key {key} was not abandoned")

    def _told_placed(self, request: tuple[str, int], body: Json, answer: Json) -> None:
        order, (key, _) = answer["id"], request
        self._expect(1, self._is_order(order), f"{order}: 201")
        if key:
            first = self.by_key.setdefault(key, order)
            self._expect(6, first == order, f"the key {key} has two orders")
            self._promised[request] = order
        wanted = [item["itemType"] for item in (*body["baristaItems"], *body["kitchenItems"])]
        given = [item["itemType"] for item in answer["items"]]
        same = wanted == given and body["loyaltyMemberId"] == answer["loyaltyMemberId"]
        self._expect(6, same, f"{order} is not what was ordered")
        known = self.acknowledged.setdefault(order, answer)
        self._expect(6, _fixed(known) == _fixed(answer), f"{order} is not the first order")
        self.seen(answer)

    def seen(self, answer: Json) -> None:
        """An order as it was shown to somebody: it may be old, but it must have been so."""
        order = answer["id"]
        record = self.records.get(order)
        is_order = record is not None and record["kind"] == "order"
        self._expect(1, is_order, f"{order} is shown and does not exist")
        if is_order and answer["status"] in TERMINAL and record is not None:
            shown = {item["id"]: (item["status"], item["reason"]) for item in answer["items"]}
            same = self.derived(record) == (answer["status"], shown)
            self._expect(3, same, f"{order} was shown as {answer['status']} and is not")
            made = {id for id, (status, _) in shown.items() if status == "READY"}
            due = sum(item["price"] for item in record["items"] if item["id"] in made)
            told = round(100 * answer["due"])
            self._expect(22, told == due, f"{order}: {told} is told as due, made was {due}")

    def told_about_cancelling(self, order: str, status: int) -> None:
        known = (202, 404, 409, 503)
        self._expect(14, status in known, f"a cancellation was answered {status}")
        if status == 404:
            self._expect(1, order not in self.acknowledged, f"{order} was acknowledged, now 404")
            self._gone.add(order)
        elif status == 409:
            ended = order not in self.open_orders()
            self._expect(3, ended, f"{order} is open, and cannot be cancelled")
        elif status == 202:
            self._expect(8, order in self.cancelled, f"the cancellation of {order} is not stored")

    def missed(self, order: str) -> None:
        self._expect(1, False, f"{order} was acknowledged and is answered 404")

    def listed(self, expected: Sequence[str], found: Sequence[str]) -> None:
        self._expect(10, len(found) == len(set(found)), "an order is listed twice")
        missing = set(expected) - set(found)
        self._expect(10, not missing, f"not listed: {missing}")

    # When everything is well again

    def all_ended(self, healed_at: int) -> None:
        for order, answer in self.acknowledged.items():
            if order not in self.records:
                self._expect(1, False, f"{order} was acknowledged and is gone")
                continue
            if self.records[order]["kind"] != "order":
                self._expect(1, False, f"{order} was acknowledged and is {self.state(order)}")
                continue
            self._expect(3, _what(self.records[order]) == _what_told(answer), f"{order} changed")
        for order in self.unsettled():
            self._expect(2, False, f"{order} has not ended: {self.state(order)}")
        self._expect(11, not self.watched, f"the sweep is not done with {self.watched}")
        for order, record in self.records.items():
            if record["kind"] == "order":
                self._ended_well(order, record, healed_at)

    def _ended_well(self, order: str, record: Json, healed_at: int) -> None:
        if order in self.cancelled:
            return
        if any(item["item_type"] in self.sold_out for item in record["items"]):
            return
        expires = datetime.fromisoformat(record["expires_at"])
        begin = self._world.clock() - timedelta(milliseconds=self._world.now)
        in_time = begin + timedelta(milliseconds=healed_at) + GRACE_PERIOD < expires
        if in_time and not self.tickets.was_failed(order):
            status, items = self.derived(record)
            self._expect(2, status == "FULFILLED", f"{order} could be made and was not: {items}")


def _is_made(save: Json) -> bool:
    """Whether the save has a ticket of which something is made: others may share its call."""
    return any(item.get("makeId") for item in save["value"].get("items", ()))


def _fixed(answer: Json) -> Json:
    """The part of an answer that no repeat may change."""
    items = [(item["id"], item["itemType"], item["price"]) for item in answer["items"]]
    return {"total": answer["total"], "placedAt": answer["placedAt"], "items": items}


def _what(record: Json) -> list[tuple[str, int, str, str]]:
    """What was ordered, as it is stored."""
    return [(i["id"], i["item_type"], i["name"], i["station"]) for i in record["items"]]


def _what_told(answer: Json) -> list[tuple[str, int, str, str]]:
    """What was ordered, as it was shown."""
    return [(i["id"], i["itemType"], i["name"], i["station"]) for i in answer["items"]]
