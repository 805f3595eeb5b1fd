"""counter-api's table of routes."""

from coffeeshop.api import Api, Context
from coffeeshop.http import Route
from coffeeshop.settings import ALWAYS_NEEDED
from coffeeshop.topics import UPDATED_ROUTES
from counter import page
from counter.clients import TooManyRequests
from counter.desk import Desk
from counter.handlers import Counter
from counter.menu import MenuBoard
from counter.problems import busy
from counter.stations import Stations
from counter.workflow import Workflow


def routes(context: Context) -> list[Route]:
    env, log = context.env, context.log
    counter = Counter(Workflow(env, log), env, log)
    desk = Desk(env, log)
    menu = MenuBoard(env, log)
    stations = Stations(env, log)
    pos, sidecar = context.callers.pos, context.callers.sidecar
    staff = context.callers.staff_via_station
    orders, order = "/v1/api/orders", "/v1/api/orders/{id}"
    station = "/v1/api/stations/{station}"
    tickets, ticket = f"{station}/tickets", f"{station}/tickets/{{id}}"
    all_orders, sold_out = "/v1/api/fulfillment-orders", "/v1/api/menu/{itemType}/unavailable"
    return [
        Route("POST", orders, counter.place_order, pos),
        Route("GET", orders, counter.list_customer_orders, pos),
        Route("GET", order, counter.get_order, pos),
        Route("GET", f"{order}/events", counter.follow_order, pos),
        Route("POST", f"{order}/cancel", counter.cancel_order, pos),
        Route("GET", all_orders, counter.list_all_orders, pos),
        Route("GET", f"{all_orders}/events", counter.follow_all_orders, pos),
        Route("POST", f"{order}/collect", desk.collect_order, context.callers.staff),
        Route("GET", "/v1/api/pickup", desk.get_pickup, pos),
        Route("GET", "/v1/api/pickup/events", desk.follow_pickup, pos),
        Route("GET", "/v1/api/menu", menu.get_menu),
        Route("GET", "/v1/api/menu/{itemType}/image", menu.get_picture),
        Route("PUT", sold_out, menu.put_sold_out, staff),
        Route("DELETE", sold_out, menu.delete_sold_out, staff),
        Route("GET", tickets, stations.list_tickets, staff),
        Route("GET", f"{tickets}/events", stations.follow_tickets, staff),
        Route("POST", f"{ticket}/start", stations.start, staff),
        Route("POST", f"{ticket}/ready", stations.ready, staff),
        Route("POST", f"{ticket}/fail", stations.fail, staff),
        Route("POST", f"{station}/close-day", stations.close_day, staff),
        Route("GET", f"{station}/times", stations.get_times, staff),
        *(Route("POST", path, counter.record_reports, sidecar) for path in UPDATED_ROUTES),
        Route("POST", "/job/sweep", counter.sweep, sidecar),
        Route("GET", "/asyncapi.json", page.EVENTS),
        Route("GET", "/", page.HTML),
        Route("GET", "/page.css", page.STYLE),
        Route("GET", "/page.js", page.SCRIPT),
        Route("GET", "/icon.svg", page.ICON),
    ]


API = Api(
    "counter-api",
    routes,
    lambda _: page.DESCRIPTION,
    needed=(*ALWAYS_NEEDED, "id_secret"),
    failures={TooManyRequests: busy()},
)
