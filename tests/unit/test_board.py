"""The tickets on a station's screen: every open one, oldest first; what ended, newest first.

T1 to T9 are rules of docs/workflow.md.
"""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.http import Response
from coffeeshop.transport import Call, NoAnswer
from example_kitchen import is_save
from example_orders import NOW, ORDER_ID, later
from example_staff import TICKETS, Staffed, numbered
from station import board
from station.board import ABSENT_MS, LINGER, WORTH


def busy(count: int) -> Staffed:
    """A kitchen with so many tickets, one a second."""
    kitchen = Staffed()
    for number in range(count):
        kitchen.now = later(number)
        kitchen.two(numbered(number), placedAt=later(number).isoformat())
    return kitchen


def finish(kitchen: Staffed, number: int) -> None:
    kitchen.tap("start", order_id=numbered(number))
    kitchen.tap("ready", order_id=numbered(number))


def test_open_tickets_come_oldest_first_in_pages_and_closed_ones_newest_first() -> None:
    kitchen = busy(10)
    for number in (1, 4, 7):
        finish(kitchen, number)
    assert kitchen.listed() == [numbered(n) for n in (0, 2, 3, 5, 6, 8, 9)]
    assert kitchen.listed("closed") == [numbered(n) for n in (7, 4, 1)]


def test_the_oldest_is_the_one_that_was_placed_first_whenever_it_came() -> None:
    """A delivery may be late."""
    kitchen = busy(2)
    kitchen.now = later(90)
    kitchen.two(numbered(7), placedAt=later(-30).isoformat())
    assert kitchen.listed() == [numbered(n) for n in (7, 0, 1)]


def test_a_page_tells_from_which_age_a_ticket_is_slow_and_late() -> None:
    kitchen = Staffed(ticket_slow_seconds="60", ticket_late_seconds="90")
    limits = {"slow": 60, "late": 90}
    assert kitchen.page() == {"tickets": [], "next": None, "limits": limits, "byStaff": True}


def test_tickets_have_their_versions() -> None:
    """The ETag is the sequence, so that who has a page can send it."""
    kitchen = busy(1)
    (listed,) = kitchen.page()["tickets"]
    target = f"{TICKETS}/{numbered(0)}"
    answer = kitchen.ask("GET", target)
    assert json.loads(answer.body) == listed == kitchen.record(numbered(0))
    assert dict(answer.headers)["etag"] == f'"{listed["sequence"]}"' == '"1"'
    assert kitchen.ask("GET", target, if_none_match='"1"').status == 304
    assert kitchen.ask("GET", f"{TICKETS}/{numbered(9)}").status == 404


@pytest.mark.parametrize("query", ["state=all", "limit=0", "limit=101", "cursor=x", "limit=many"])
def test_a_parameter_that_cannot_be_is_named(query: str) -> None:
    kitchen = Staffed()
    answer = kitchen.ask("GET", f"{TICKETS}?{query}")
    assert answer.status == 422
    assert json.loads(answer.body)["errors"][0]["field"] == query.partition("=")[0]


def test_the_cursor_of_another_stations_list_is_refused() -> None:
    kitchen = busy(3)
    cursor = kitchen.page("limit=1")["next"]
    assert kitchen.ask("GET", f"{TICKETS}?state=closed&cursor={cursor}").status == 200
    alien = "MTIzOjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMTowaCwwaA"  # of two shards
    assert kitchen.ask("GET", f"{TICKETS}?state=closed&cursor={alien}").status == 422


def test_an_entry_whose_ticket_was_never_saved_is_left_out_and_forgotten_in_the_end() -> None:
    """T1, T2: its order comes again, and has an entry of its own then."""
    kitchen = Staffed()

    def lose(call: Call) -> None:
        if is_save(call) and b'"key":"order-' in call.body:
            raise NoAnswer("lost")

    kitchen.sidecar.before = lose
    for number in range(WORTH):
        kitchen.two(numbered(number))
    kitchen.sidecar.before = lambda _: None
    assert kitchen.listed() == []
    assert kitchen.sidecar.document("board") is None
    kitchen.now = NOW + timedelta(milliseconds=ABSENT_MS - 1)
    kitchen.two(numbered(0), secondsLeft=9_000)
    kitchen.now += timedelta(milliseconds=WORTH)
    kitchen.two(numbered(99), secondsLeft=9_000)
    assert kitchen.listed() == [numbered(0), numbered(99)]
    finish(kitchen, 0)
    assert kitchen.listed("closed") == [numbered(0)]


def test_what_is_open_is_listed_however_often_its_readers_and_writers_meet() -> None:
    """T2: two readers at once, of whom the second one's save is refused."""
    kitchen = busy(3 * WORTH)
    for number in range(2 * WORTH):
        finish(kitchen, number)
    kitchen.now += LINGER
    saved: list[bytes] = []

    def overtake(call: Call) -> None:
        if is_save(call) and b'"key":"board"' in call.body:
            saved.append(call.body)
            kitchen.sidecar.put("board", json.loads(call.body)[0]["value"])

    kitchen.sidecar.before = overtake
    expected = [numbered(n) for n in range(2 * WORTH, 3 * WORTH)]
    assert kitchen.listed() == expected
    assert saved
    kitchen.sidecar.before = lambda _: None
    assert kitchen.listed() == expected


def test_looking_costs_what_is_open_and_not_what_was() -> None:
    """T2: entries that are done with are not read again."""
    kitchen = busy(5)

    def calls() -> int:
        kitchen.now += LINGER
        kitchen.listed()
        kitchen.sidecar.calls.clear()
        kitchen.page("limit=100")
        return len(kitchen.sidecar.calls)

    few = calls()
    for number in range(5, 300):
        kitchen.now += timedelta(seconds=1)
        kitchen.two(numbered(number), secondsLeft=9_000)
        finish(kitchen, number)
        if number % 50 == 0:
            kitchen.page()
    assert calls() <= few + 1
    remembered = kitchen.sidecar.document("board")
    assert len(remembered["entries"]) < 5 + WORTH + 60


def test_a_backlog_that_nobody_looked_at_is_read_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest come first; what was read is remembered."""
    monkeypatch.setattr(board, "ROUNDS", 2)
    monkeypatch.setattr(board, "ROOM", 100)
    kitchen = busy(250)
    for number in range(249):
        finish(kitchen, number)
    kitchen.now += LINGER
    for _ in range(8):
        found = kitchen.listed()
    assert found == [numbered(249)]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("ofcr")), max_size=60))
def test_the_open_tickets_are_those_that_have_not_ended(steps: list[tuple[int, str]]) -> None:
    """T1, T2, G19: orders come, are finished and cancelled, and somebody looks meanwhile."""
    kitchen = Staffed()
    came: list[int] = []
    ended: set[int] = set()
    for number, what in steps:
        kitchen.now += timedelta(seconds=20)
        if what == "o":
            if number not in came:
                came.append(number)
            kitchen.two(numbered(number), secondsLeft=99_000)
        elif number in came and what in "fc":
            if what == "f":
                finish(kitchen, number)
            else:
                kitchen.cancel(numbered(number))
            ended.add(number)
        else:
            kitchen.page()
    still_open = {numbered(n) for n in came if n not in ended}
    assert sorted(kitchen.listed()) == sorted(still_open)
    assert sorted(kitchen.listed("closed")) == sorted(numbered(n) for n in ended)


# The stream


Pages = list[list[tuple[str, bool]]]
"""Of each page the ids of its tickets, and whether they have ended."""


class Screen:
    """Takes a stream of tickets, and does something after each part."""

    def __init__(self, kitchen: Staffed, *happens: Callable[[], object]) -> None:
        self.kitchen = kitchen
        self.pages: Pages = []
        self._happens = list(happens)

    async def send(self, part: bytes) -> bool:
        if b"data: " in part:
            page = json.loads(part.partition(b"data: ")[2])
            self.pages.append([(t["orderId"], t["final"]) for t in page["tickets"]])
            if not self._happens:
                return False
            self.kitchen.meanwhile(self._happens.pop(0))
        return True


def watch(
    kitchen: Staffed, query: str, *happens: Callable[[], object]
) -> list[list[tuple[str, bool]]]:
    answer: Response = kitchen.ask("GET", f"{TICKETS}/events?{query}")
    assert (answer.status, answer.media_type) == (200, "text/event-stream")
    screen = Screen(kitchen, *happens)
    kitchen.stream(answer, screen)
    return screen.pages


def test_a_screen_is_told_what_comes_and_what_ends() -> None:
    kitchen = busy(1)
    first, second = numbered(0), numbered(1)
    pages = watch(
        kitchen,
        "changes=true",
        lambda: kitchen.two(second, placedAt=later(9).isoformat()),
        lambda: finish(kitchen, 0),
    )
    assert pages == [[(first, False)], [(second, False)], [(first, True)]]


def test_a_screen_that_wants_whole_pages_gets_them() -> None:
    kitchen = busy(1)
    first, second = numbered(0), numbered(1)
    pages = watch(kitchen, "", lambda: kitchen.two(second, placedAt=later(9).isoformat()))
    assert pages == [[(first, False)], [(first, False), (second, False)]]


# Times


def test_the_times_of_the_day_are_of_what_was_taken_up_since() -> None:
    kitchen = busy(3)
    kitchen.now = later(60)
    kitchen.tap("start", order_id=numbered(1))
    kitchen.now = later(120)
    kitchen.tap("ready", order_id=numbered(1))
    told = kitchen.get("/v1/api/kitchen/times")
    assert told["tickets"] == 3
    assert told["placedToStarted"] == {"p50": 59.0, "p90": 59.0}
    assert told["startedToReady"] == {"p50": 60.0, "p90": 60.0}
    assert told["placedToReady"] == {"p50": 119.0, "p90": 119.0}
    since = later(1.5).isoformat().replace("+", "%2B")
    assert kitchen.get(f"/v1/api/kitchen/times?since={since}")["tickets"] == 1
    assert kitchen.ask("GET", "/v1/api/kitchen/times?since=today").status == 422


def test_an_order_that_was_tried_twice_is_one_ticket() -> None:
    """T1: each attempt leaves an entry."""
    kitchen = Staffed()

    def lose(call: Call) -> None:
        if is_save(call) and b'"key":"order-' in call.body:
            raise NoAnswer("lost")

    kitchen.sidecar.before = lose
    assert kitchen.two().status == 503
    kitchen.sidecar.before = lambda _: None
    kitchen.now = later(3)
    assert kitchen.two().status == 204
    assert kitchen.listed() == [ORDER_ID]
    kitchen.tap("fail", reason="no")
    assert kitchen.listed("closed") == [ORDER_ID]
    assert kitchen.get("/v1/api/kitchen/times")["tickets"] == 1


def test_a_ticket_of_a_clock_that_was_ahead_stays_in_the_list_of_closed_ones() -> None:
    """Its entry counts for less than its own time, by which it is told to be the ticket's own."""
    kitchen = Staffed()
    kitchen.now = NOW + timedelta(days=3)
    kitchen.two(numbered(0), secondsLeft=9 * 86_400)
    finish(kitchen, 0)
    kitchen.now = NOW
    for number in range(1, 200):
        kitchen.now += timedelta(seconds=1)
        kitchen.two(numbered(number), secondsLeft=9_000)
        finish(kitchen, number)
    assert sorted(kitchen.listed("closed")) == [numbered(number) for number in range(200)]
