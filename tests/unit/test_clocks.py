"""Clocks that differ: what an order's station makes of them, and what is said about it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coffeeshop.clocks import ClockWatch, Differences
from coffeeshop.contracts import ItemToMake, StationOrdered
from coffeeshop.events import Delivered
from coffeeshop.logs import Trace
from coffeeshop.transport import Call, NoAnswer, Reply, moment_of
from example_counter import Counter, run
from example_kitchen import ORDERED, OTHER_ID, UPDATED, WANTED, Kitchen, event
from example_orders import NOW, ORDER_ID, answer
from station.lateness import is_doubtful, seconds_left

MINUTE = timedelta(minutes=1)
AWAY = [timedelta(seconds=seconds) for seconds in (-86_400, -600, -8, 8, 600, 3 * 86_400)]
"""How far ahead of a station's clock the counter's may be."""
ASKED = "/v1.0/invoke/counter-api/method/healthz/counter"


def kitchen(ahead: timedelta) -> Kitchen:
    found = Kitchen()
    found.counter_is_ahead = ahead
    return found


def asked(of: Kitchen) -> int:
    """How often the counter's clock was asked for."""
    return sum(call.target == ASKED for call in of.sidecar.calls)


# A station


@pytest.mark.parametrize("ahead", AWAY)
def test_an_order_that_comes_in_time_is_made_whatever_the_counters_clock_says(
    ahead: timedelta,
) -> None:
    there = kitchen(ahead)
    assert there.order(sent_at=NOW + ahead).status == 204
    assert there.statuses() == ["READY"]


@pytest.mark.parametrize("ahead", AWAY)
def test_an_order_that_waited_too_long_is_not_made_whatever_the_counters_clock_says(
    ahead: timedelta,
) -> None:
    """Also where the station's clock says that it has just been sent, or will be."""
    there = kitchen(ahead)
    there.now = NOW + WANTED + timedelta(seconds=2)
    assert there.order(sent_at=NOW + ahead).status == 204
    assert there.statuses() == ["FAILED"]
    assert "too late" in there.record()["items"][0]["reason"]


def test_where_clocks_agree_the_counter_is_not_asked() -> None:
    there = kitchen(timedelta(seconds=-3))
    there.order(sent_at=NOW + there.counter_is_ahead)
    there.order(OTHER_ID, sent_at=NOW - MINUTE)
    assert there.statuses() == ["READY"] * 2
    assert not asked(there)


def test_an_order_that_waited_is_made_by_our_clock_if_the_counter_does_not_answer() -> None:
    """It is not doubtful: only if clocks differ as well can it be late."""
    there = kitchen(timedelta(0))
    there.sidecar.counter.clock = lambda: None
    there.order(sent_at=NOW - 4 * MINUTE)
    assert there.statuses() == ["READY"]
    assert asked(there) == 1


def test_what_was_late_when_it_was_sent_is_late_without_a_question() -> None:
    """The last question of the sweep: by the counter's own clock the time is over."""
    there = kitchen(-10 * MINUTE)
    there.order(sent_at=NOW + 9 * MINUTE, secondsLeft=-90)
    assert there.statuses() == ["FAILED"]
    assert not asked(there)


def test_a_delivery_of_many_asks_once() -> None:
    there = kitchen(-10 * MINUTE)
    ids = [f"{ORDER_ID[:-2]}{n:02}" for n in range(20)]
    there.bulk(ORDERED, [event(each, sent_at=NOW - 10 * MINUTE) for each in ids])
    assert there.statuses() == ["READY"] * 20
    assert asked(there) == 1


def test_an_order_that_is_recorded_is_told_without_a_question() -> None:
    """W5: the record is read first, and wins."""
    there = kitchen(-10 * MINUTE)
    there.order(sent_at=NOW - 10 * MINUTE)
    there.sidecar.calls.clear()
    there.now += timedelta(hours=1)
    there.order(sent_at=NOW - 10 * MINUTE)
    assert there.statuses() == ["READY"] * 2
    assert not asked(there)


@pytest.mark.parametrize("status", [None, 204, 403, 500])
def test_without_the_counters_clock_a_doubtful_order_is_left_and_the_others_are_made(
    status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """W8: it is asked for again. To refuse the delivery would hold the others."""
    there = kitchen(timedelta(0))
    there.now = NOW + WANTED + MINUTE
    there.sidecar.counter.clock = (lambda: None) if status == 204 else (lambda: there.now)
    there.sidecar.counter.health = status or 204

    def lose(call: Call) -> None:
        if call.target == ASKED and status is None:
            raise NoAnswer("lost")

    there.sidecar.before = lose
    late, good = event(), event(OTHER_ID, sent_at=there.now)
    assert there.bulk(ORDERED, [late, good]) == ["SUCCESS"] * 2
    assert there.record() is None
    assert [each["orderId"] for each in there.sidecar.events(UPDATED)] == [OTHER_ID]
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["orderId"] for line in logged if line["event"] == "order.undecided"] == [ORDER_ID]
    there.sidecar.before = lambda _: None
    there.sidecar.counter.clock = lambda: there.now
    there.sidecar.counter.health = 204
    there.order()
    assert there.record()["items"][0]["status"] == "FAILED"


@pytest.mark.parametrize("ahead", AWAY)
@pytest.mark.parametrize(("waited", "status"), [(MINUTE, "READY"), (6 * MINUTE, "FAILED")])
def test_an_event_of_an_earlier_release_is_read_by_its_moment(
    ahead: timedelta, waited: timedelta, status: str
) -> None:
    """It has no `secondsLeft`, and for `time` what its sidecar took."""
    there = kitchen(ahead)
    there.now = NOW + waited
    there.order(sent_at=NOW + ahead, secondsLeft=None)
    assert there.statuses() == [status]


@pytest.mark.parametrize("time", [None, 5, "", "yesterday", "2026-11-24T10:00:00", [], {}])
def test_an_event_whose_time_is_none_is_read_by_its_moment(time: Any) -> None:
    there = kitchen(timedelta(0))
    there.ask("POST", ORDERED, event() | {"time": time})
    there.now = NOW + WANTED + MINUTE
    there.ask("POST", ORDERED, event(OTHER_ID) | {"time": time})
    assert there.statuses() == ["READY", "FAILED"]


@given(
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.timedeltas(-timedelta(days=30), timedelta(days=30)),
)
def test_by_the_counters_clock_an_order_is_late_when_its_time_is_over(
    waited: timedelta, ahead: timedelta
) -> None:
    """However far that clock is off: only what it said before counts."""
    sent_at = NOW + ahead
    order = StationOrdered(
        orderId=ORDER_ID,
        expiresAt=sent_at + WANTED,
        secondsLeft=WANTED.total_seconds(),
        items=(ItemToMake(id="i", itemType=1, name="LATTE"),),
    )
    left = seconds_left(order, sent_at, sent_at + waited)
    assert left == pytest.approx((WANTED - waited).total_seconds())
    assert seconds_left(order, None, sent_at + waited) == pytest.approx(left)
    if not is_doubtful(order, sent_at, sent_at + waited):
        assert left >= 0


# What the counter sends


def test_an_event_says_how_long_its_order_is_wanted_from_its_time_on() -> None:
    counter = Counter()
    order = counter.order(kitchen=())
    counter.sweep(30)
    first, again = (e for e in counter.sidecar.published if e.topic == "barista_order_placed")
    assert first.data["secondsLeft"] == 300
    assert again.data["secondsLeft"] == 270
    for each in (first, again):
        sent_at = datetime.fromisoformat(each.attributes["time"])
        left = timedelta(seconds=each.data["secondsLeft"])
        assert sent_at + left == datetime.fromisoformat(each.data["expiresAt"]) == order.expires_at


# What is said about it


def said(*clocks: tuple[str, float, float]) -> list[tuple[str, int]]:
    """What is logged when clocks say so much more than ours, at these seconds."""
    found: list[tuple[str, int]] = []

    def log(event: str, *, level: str, whose: str, aheadSeconds: int) -> None:  # noqa: N803
        assert (event, level) == ("clock.differs", "warning")
        found.append((whose, aheadSeconds))

    differences = Differences(log)
    for whose, ahead, at in clocks:
        now = NOW + timedelta(seconds=at)
        differences.seen(whose, now + timedelta(seconds=ahead), now)
    return found


def test_clocks_that_differ_by_more_than_seconds_are_said_once_a_minute_each() -> None:
    assert said(("sidecar", 4.9, 0), ("sidecar", -4.9, 0)) == []
    assert said(("sidecar", -600, 0), ("sidecar", -600, 59), ("sidecar", -600, 60)) == [
        ("sidecar", -600),
        ("sidecar", -600),
    ]
    assert said(("sidecar", 6, 0), ("counter-api", 259_200, 1)) == [
        ("sidecar", 6),
        ("counter-api", 259_200),
    ]
    # Our own clock was set back.
    assert len(said(("sidecar", 600, 0), ("sidecar", 600, -3_600))) == 2


def test_a_report_from_the_future_tells_the_counter_that_clocks_differ() -> None:
    """What comes from the past may have waited."""
    counter = Counter()
    order = counter.order()

    def report(ahead: timedelta) -> list[str]:
        counter.logged.clear()
        station = order.stations[0]
        each = Delivered(answer(order, station), Trace(lambda _: None), counter.now + ahead)
        run(counter.workflow.record([each]))
        return [name for name in counter.logged if name == "clock.differs"]

    assert report(-60 * MINUTE) == report(timedelta(seconds=4)) == []
    assert report(MINUTE) == ["clock.differs"]


class Answers:
    """A sidecar with a clock of its own; `dated` are the calls that wanted to know it."""

    def __init__(self, ahead: timedelta) -> None:
        self.now = NOW
        self.dated: list[str] = []
        self._ahead = ahead

    async def send(self, call: Call) -> Reply:
        if call.wants_date:
            self.dated.append(call.target)
        return Reply(204, date=self.now + self._ahead if call.wants_date else None)


@pytest.mark.parametrize("ahead", [timedelta(0), *AWAY])
def test_the_clocks_of_those_who_answer_are_looked_at_once_a_minute(ahead: timedelta) -> None:
    answers = Answers(ahead)
    logged: list[Any] = []
    watch = ClockWatch(
        answers,
        lambda: answers.now,
        Differences(lambda _, **fields: logged.append((fields["whose"], fields["aheadSeconds"]))),
    )
    targets = ("/v1.0/state/x", "/v1.0/invoke/product-api/method/a/b", "/v1.0/state/y")
    for _ in range(50):
        for target in targets:
            asyncio.run(watch.send(Call("GET", target)))
    assert answers.dated == list(targets[:2])
    whose = [("sidecar", round(ahead.total_seconds())), ("product-api", ahead.total_seconds())]
    assert logged == (whose if ahead else [])
    answers.now += MINUTE
    asyncio.run(watch.send(Call("GET", targets[0])))
    assert answers.dated[2:] == [targets[0]]


@pytest.mark.parametrize("text", [None, "", "now", "2026-11-24T10:00:00Z", "Tue, 99 Nov 2026", "-"])
def test_a_date_that_is_none_is_no_moment(text: str | None) -> None:
    assert moment_of(text) is None


def test_a_date_is_a_moment() -> None:
    moment = datetime(2026, 11, 24, 10, 0, 5, tzinfo=UTC)
    assert moment_of("Tue, 24 Nov 2026 10:00:05 GMT") == moment
