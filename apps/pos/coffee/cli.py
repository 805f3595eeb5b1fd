"""The commands of `coffee`, and what their exit codes mean.

0  done, and well
1  not all of the order was made, or not every order of a rush is accounted for
2  the command, or a setting of the environment, was not understood
3  the shop refused
4  the shop cannot be reached, or cannot answer now
5  the order did not end in time
74 the output could not be written
"""

import asyncio
import math
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from coffee import rush as rushing
from coffee import show, stations
from coffee.arguments import check_encoding, chosen, names, seconds_of
from coffee.client import (
    ENDED,
    ConfigError,
    Json,
    Refused,
    ShopClient,
    Unreachable,
    checked_url,
    default_url,
)
from coffee.output import console, errors, print_json, print_table, written
from coffee.terminal import (
    AWAY,
    CONFIG_ERROR,
    FAILED,
    INTERRUPTED,
    REFUSED,
    TOO_LATE,
    AsJson,
    At,
    output,
)
from coffeeshop.text import shown

NOT_MADE = ("PARTIAL", "FAILED", "CANCELLED")
"""Statuses with which a command exits with 1."""

app = typer.Typer(
    help="Order at the Coffeeshop, and see orders move.",
    epilog="Exit codes: 0 well, 1 not made, 2 usage, 3 refused, 4 shop away, 5 too late.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


Customer = Annotated[str, typer.Option("--as", help="Name or member number.", metavar="NAME")]


@app.callback()
def at(
    url: Annotated[
        str, typer.Option(help="Where counter-api is.", envvar="COFFEESHOP_URL", show_default=False)
    ] = "",
) -> None:
    At.url = checked_url(url) if url else default_url()


@app.command()
def menu(as_json: AsJson = False) -> None:
    """What there is, and what it costs."""
    items = ShopClient(At.url).menu()
    table, lines = show.menu(items), map(show.offer, items)
    output(items, as_json, lambda: print_table(table, show.MENU_COLUMNS, lines))


@app.command()
def order(
    items: Annotated[
        list[str], typer.Argument(help="Names from the menu.", autocompletion=names, metavar="ITEM")
    ],
    customer: Customer = "guest",
    wait: Annotated[bool, typer.Option(help="Wait until the order has ended.")] = True,
    within: Annotated[int, typer.Option(help="Seconds to wait at most.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Place an order and wait for it: coffee order COFFEE_BLACK CROISSANT --as ann"""
    shop = ShopClient(At.url)
    wanted = chosen(items, shop.menu())
    placed = shop.place(customer, wanted)
    if not wait:
        output(placed, as_json, lambda: console.print(show.receipt(placed)))
        return
    _watch(shop, placed["id"], within, as_json)


@app.command()
def watch(
    order_id: Annotated[str, typer.Argument(help="Its beginning will do.", metavar="ID")],
    within: Annotated[int, typer.Option(help="Seconds to wait at most.")] = 60,
    as_json: AsJson = False,
) -> None:
    """See one order move until it has ended."""
    shop = ShopClient(At.url)
    _watch(shop, shop.whole_id(order_id), within, as_json)


@app.command()
def cancel(
    order_id: Annotated[str, typer.Argument(help="Its beginning will do.", metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Ask for an order to be cancelled: what is not begun is not made."""
    shop = ShopClient(At.url)
    asked = shop.cancel(shop.whole_id(order_id))
    output(asked, as_json, lambda: console.print(show.receipt(asked)))


@app.command()
def mine(
    customer: Customer,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    as_json: AsJson = False,
) -> None:
    """A customer's orders, newest first."""
    found = ShopClient(At.url).orders_of(customer, limit)
    table, lines = show.orders(found), map(show.line, found)
    output(found, as_json, lambda: print_table(table, show.ORDERS_COLUMNS, lines))


@app.command()
def board(
    live: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = True,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 60,
    as_json: AsJson = False,
) -> None:
    """All orders by status, as they change; a line for each change where it is no terminal.
    --json prints the newest orders at each change."""
    shop = ShopClient(At.url)
    if not live:
        found = shop.orders(limit)
        output(found, as_json, lambda: console.print(show.board(found, limit)))
        return
    pages = shop.follow("/v1/api/fulfillment-orders/events", limit=limit)
    if as_json:
        for page in filter(None, pages):
            print_json(page["orders"])
    elif console.is_terminal:
        with Live(console=console, screen=True, auto_refresh=False) as screen:
            for page in filter(None, pages):
                screen.update(show.board(page["orders"], max(5, console.height - 3)), refresh=True)
    else:
        for order in _changes(page["orders"] for page in pages if page):
            console.print(show.line(order), soft_wrap=True)


@app.command()
def rush(
    rate: Annotated[float, typer.Option(help="Orders a second.", min=0.1, max=500)] = 5,
    duration: Annotated[str, typer.Option("--for", help="Such as 30s or 2m.")] = "60s",
    as_json: AsJson = False,
) -> None:
    """Many customers at once, and what became of their orders."""
    if not math.isfinite(rate):
        raise typer.BadParameter("say a number", param_hint="--rate")
    seconds = seconds_of(duration)
    items = ShopClient(At.url).menu()
    if all(item["available"] is False for item in items):
        raise Refused("Everything is sold out.")
    with _progress(not as_json) as progress:
        bar = progress.add_task("orders ended", total=max(1, round(rate * seconds)))

        def step(so_far: rushing.Summary) -> None:
            progress.update(bar, advance=1, description=f"{so_far.placed} placed")

        summary = asyncio.run(rushing.rush(At.url, items, rate, seconds, step))
    output(summary.document(), as_json, lambda: console.print(_summary(summary)))
    if not summary.is_whole:
        raise typer.Exit(FAILED)


stations.add_to(app)


# Parts


def _changes(pages: Iterable[list[Json]]) -> Iterator[Json]:
    """Each order when its status is another one than on the page before, the oldest first."""
    before: dict[str, str] = {}
    for orders in pages:
        now = {order["id"]: order["status"] for order in orders}
        yield from (o for o in reversed(orders) if before.get(o["id"]) != o["status"])
        before = now


def _watch(shop: ShopClient, order_id: str, within: int, as_json: bool) -> None:
    deadline = time.monotonic() + within
    now: Json = {}
    with Live(
        console=errors if as_json else console, auto_refresh=False, transient=as_json
    ) as live:
        for version in shop.follow(f"/v1/api/orders/{order_id}/events"):
            now = version or now
            if not as_json:
                live.update(show.receipt(now), refresh=True)
            if now["status"] in ENDED or time.monotonic() > deadline:
                break
    if as_json:
        print_json(now)
    if now["status"] in NOT_MADE:
        raise typer.Exit(FAILED)
    if now["status"] not in ENDED:
        # The whole id: in a rush the order is soon not among the newest, whose beginning will do.
        goes_on = f" `coffee watch {order_id}` goes on."
        told = Text.assemble((f"Not ended after {within} s.", "red"), goes_on)
        errors.print(told, soft_wrap=True)
        raise typer.Exit(TOO_LATE)


@contextmanager
def _progress(visible: bool) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, disable=not visible) as progress:
        yield progress


def _summary(summary: rushing.Summary) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in summary.document().items():
        if name != "trouble" or value:
            table.add_row(name, str(value))
    return table


def _complain(error: Exception) -> None:
    errors.print("\n".join(map(shown, f"coffee: {error}".splitlines())), soft_wrap=True)


def main() -> None:
    with written():
        _run()


def _run() -> None:
    try:
        check_encoding()
        app(prog_name="coffee")
    except ConfigError as error:
        errors.print(f"coffee: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(CONFIG_ERROR)
    except Refused as error:
        _complain(error)
        sys.exit(REFUSED)
    except Unreachable as error:
        _complain(error)
        sys.exit(AWAY)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
