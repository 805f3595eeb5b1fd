"""docs/guarantees.md, checked at each step. The numbers are that page's.

Nothing here asks the code under test: what must hold is said again, independently.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.dapr import Engines, Job, Message
from tests.simulation.world import World

Json = dict[str, Any]

GRACE = timedelta(seconds=90)
TERMINAL = ("FULFILLED", "FAILED")
LATE = " did not answer in time."


class Invariants:
    def __init__(self, world: World, engines: Engines) -> None:
        self._world = world
        self._engines = engines
        self.records: dict[str, Json] = {}
        """counter-api's records by order id."""
        self.saved_at: dict[str, int] = {}
        self.answers: dict[tuple[str, str], Json] = {}
        """The stations' records by station and order id."""
        self.acknowledged: dict[str, Json] = {}
        self.by_key: dict[str, str] = {}
        self.sold_out: set[int] = set()
        """Items that were sold out at some moment."""
        self._indexed: defaultdict[str, set[str]] = defaultdict(set)
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
        engines.on_write = self.written
        engines.on_publish = self.published
        engines.on_job_end = self.job_ended
        world.order_state = self.state

    def state(self, order: str | None) -> str:
        """Of an order, for the table of crash points."""
        record = self.records.get(order or "")
        if record is None:
            return "not saved"
        return str(record["status"]) if record["kind"] == "order" else "abandoned"

    def open_orders(self) -> list[str]:
        return [
            order
            for order, record in self.records.items()
            if record["kind"] == "order" and record["status"] not in TERMINAL
        ]

    def _expect(self, number: int, holds: bool, text: str) -> None:
        if not holds:
            self._world.violated(number, text)

    # The stores

    def written(self, store: str, key: str, before: bytes | None, value: Any) -> None:
        if store == "counter-store":
            if key.startswith(("all-", "customer-")):
                name = "all" if key.startswith("all-") else "customer"
                self._indexed[value["entries"][-1][1]].add(name)
            elif key != "last-sweep":
                self._record_written(key, json.loads(before) if before else None, value)
        elif key.startswith("order-"):
            self._answer_written(store.removesuffix("-store"), key.removeprefix("order-"), value)

    def _record_written(self, order: str, before: Json | None, after: Json) -> None:
        self.records[order] = after
        if before is None:
            self.saved_at[order] = self._world.now
            if after["kind"] == "order":
                self._expect(13, after["location"] not in self._refused, f"{order} was refused")
                job = f"order-{order}"
                watched = job in self._engines.jobs or job in self._engines.lost_jobs
                self._expect(11, watched, f"{order} is not watched")
                both = {"all", "customer"} <= self._indexed[order]
                self._expect(10, both, f"{order} was saved before it was in the indexes")
            return
        self._expect(7, before["kind"] == "order", f"the tombstone of {order} was replaced")
        if before["kind"] != "order":
            return
        self._expect(7, after["kind"] == "order", f"the order {order} was replaced by a tombstone")
        ended = before["status"] in TERMINAL
        self._expect(3, not ended or after == before, f"{order} had ended and was changed")
        fixed = ("id", "body_hash", "loyalty_member_id", "placed_at", "expires_at")
        self._expect(3, all(before[f] == after[f] for f in fixed), f"{order} is another order")
        for old, new in zip(before["items"], after["items"], strict=True):
            same = {**old, "status": None, "reason": None} == {
                **new,
                "status": None,
                "reason": None,
            }
            self._expect(3, same, f"{old['id']} is another item")
            if old != new:
                self._expect(3, old["status"] == "PLACED", f"{old['id']} was decided twice")
                self._justified(order, after, new)

    def _justified(self, order: str, record: Json, item: Json) -> None:
        """An item ends by its station's verdict or, after the deadline, for want of one."""
        answer = self.answers.get((item["station"], order), {"items": []})
        verdicts = {v["id"]: v for v in answer["items"]}
        verdict = verdicts.get(item["id"])
        if verdict is not None and verdict["status"] == item["status"]:
            return
        late = item["status"] == "FAILED" and item["reason"].endswith(LATE)
        self._expect(5, late, f"{item['id']} is {item['status']} without its station's word")
        deadline = datetime.fromisoformat(record["expires_at"]) + GRACE
        self._expect(9, self._world.clock() > deadline, f"{order} was given up before its time")

    def _answer_written(self, station: str, order: str, answer: Json) -> None:
        known = self.answers.get((station, order))
        self._expect(4, known is None, f"the {station} decided {order} twice")
        self.answers[station, order] = answer
        for item in answer["items"]:
            make_id = item["makeId"]
            if item["status"] == "READY":
                fresh = make_id is not None and make_id not in self._make_ids
                self._expect(4, fresh, f"{item['id']} has no makeId of its own")
                self._make_ids[make_id] = item["id"]
            elif "sold out" in item["reason"]:
                known_sold_out = item["itemType"] in self.sold_out
                self._expect(5, known_sold_out, f"{item['id']} was never sold out")

    # The broker

    def published(self, message: Message) -> None:
        data = message.data
        order = str(data.get("orderId"))
        if message.topic.endswith("_order_placed"):
            kind = self.records.get(order, {}).get("kind")
            self._expect(8, kind == "order", f"{order} was submitted while it is {kind}")
            due = self.records.get(order, {}).get("expires_at")
            self._expect(9, due == data["expiresAt"], f"{order} was given another deadline")
        elif message.topic.endswith("_order_updated"):
            known = self.answers.get((data["station"], order), {"items": None})["items"]
            self._expect(4, known == data["items"], f"{order} is answered, but not as recorded")

    def job_ended(self, job: Job) -> None:
        order = job.name.removeprefix("order-")
        state = self.state(order)
        self._expect(11, state in (*TERMINAL, "abandoned"), f"{order}, {state}, lost its watchdog")

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
        elif line["event"] == "failed":
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
        self._expect(1, self.state(order) in ("PLACED", "IN_PROGRESS", *TERMINAL), f"{order}: 201")
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
            verdicts = [(item["status"], item["reason"]) for item in answer["items"]]
            recorded = [(item["status"], item["reason"]) for item in record["items"]]
            same = record["status"] == answer["status"] and verdicts == recorded
            self._expect(3, same, f"{order} was shown as {answer['status']} and is not")

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
        for order in self.open_orders():
            self._expect(2, False, f"{order} has not ended: {self.state(order)}")
        for order, record in self.records.items():
            if record["kind"] == "order":
                self._ended_well(order, record, healed_at)

    def _ended_well(self, order: str, record: Json, healed_at: int) -> None:
        if any(item["item_type"] in self.sold_out for item in record["items"]):
            return
        expires = datetime.fromisoformat(record["expires_at"])
        begin = self._world.clock() - timedelta(milliseconds=self._world.now)
        in_time = begin + timedelta(milliseconds=healed_at) + GRACE < expires
        if in_time:
            reasons = [item["reason"] for item in record["items"]]
            fulfilled = record["status"] == "FULFILLED"
            self._expect(2, fulfilled, f"{order} could be made and was not: {reasons}")


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
