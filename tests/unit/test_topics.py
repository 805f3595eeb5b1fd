"""The table of events is true: of the code, of the subscriptions, and of its own documentation."""

from typing import Any, NamedTuple

import pytest

from coffeeshop import topics
from coffeeshop.contracts import Station
from coffeeshop.topics import EVENTS, STATION, UPDATED_ROUTES, Event
from scripts.describe import descriptions
from scripts.stack import resources

DEAD = "_dead"


class Line(NamedTuple):
    topic: str
    route: str
    handler: str


def lines() -> list[Line]:
    """The table in the module's documentation."""
    words = (line.split() for line in (topics.__doc__ or "").splitlines())
    return [Line(*each) for each in words if len(each) == 3 and "_order_" in each[0]]


def station_of(topic: str) -> str:
    return topic.partition("_")[0]


def receiver(event: Event[Any], station: str) -> str:
    return f"{station}-api" if event.receiver == STATION else event.receiver


def test_the_documented_lines_are_what_the_table_says() -> None:
    assert lines() == [
        Line(event.topic(station), event.route(station), event.handler)
        for station in (Station.BARISTA, Station.KITCHEN)
        for event in EVENTS
    ]


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.topic)
def test_a_documented_topic_is_subscribed_to_at_its_route(line: Line) -> None:
    subscribed = {(each.topic, each.route) for each in resources.subscriptions()}
    assert (line.topic, line.route) in subscribed


@pytest.mark.parametrize("subscription", resources.subscriptions(), ids=lambda each: each.topic)
def test_each_subscription_is_to_a_topic_and_a_route_of_the_table(
    subscription: resources.Subscription,
) -> None:
    """A dead letter is delivered as the event that it was."""
    topic = subscription.topic.removesuffix(DEAD)
    station = station_of(topic)
    (event,) = (each for each in EVENTS if each.topic(station) == topic)
    assert subscription.app == receiver(event, station)
    routes = {event.route(station)} | (set() if event.receiver == STATION else {*UPDATED_ROUTES})
    assert subscription.route in routes


@pytest.mark.parametrize("api", descriptions.APIS)
def test_each_route_of_the_table_leads_to_the_handler_that_it_names(api: str) -> None:
    handlers = {
        route.path: getattr(route.handler, "__qualname__", "")
        for route in descriptions.router(api).routes
        if route.path.startswith("/dapr_subscribe_")
    }
    mine = [each for each in resources.subscriptions() if each.app == f"{api}-api"]
    for each in mine:
        topic = each.topic.removesuffix(DEAD)
        (event,) = (e for e in EVENTS if e.topic(station_of(topic)) == topic)
        assert handlers[each.route] == event.handler
    assert bool(handlers) == bool(mine)
