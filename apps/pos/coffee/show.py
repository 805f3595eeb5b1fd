"""How things look in a terminal."""

from collections.abc import Sequence
from datetime import datetime

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from coffee.shop import Json

STYLES = {
    "PLACED": "bold",
    "IN_PROGRESS": "yellow",
    "READY": "green",
    "FULFILLED": "green",
    "FAILED": "red",
    "CANCELLED": "red",
}


def status(name: str) -> Text:
    return Text(name, STYLES.get(name, ""))


def clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"


def menu(items: Sequence[Json]) -> Table:
    table = Table("item", "price", "station", "now", title="Menu", title_justify="left")
    table.columns[1].justify = "right"
    for item in items:
        note = {True: "[green]to be had[/]", False: "[red]sold out[/]", None: "[dim]not known[/]"}[
            item["available"]
        ]
        table.add_row(item["name"], f"${item['price']:.2f}", item["station"], note)
    return table


def receipt(order: Json) -> RenderableType:
    table = Table.grid("", "", "", padding=(0, 2))
    table.columns[1].justify = "right"
    for item in order["items"]:
        table.add_row(item["name"], f"${item['price']:.2f}", status(item["status"]))
        if item["reason"]:
            table.add_row(Text(f"  {item['reason']}", "red"))
    table.add_row(Text("total", "bold"), f"${order['total']:.2f}", status(order["status"]))
    title = f"{order['loyaltyMemberId']}, {clock(order['placedAt'])}"
    named = Group(table, Text(f"order {order['id']}", "dim"))
    return Panel(named, title=title, title_align="left", expand=False)


def orders(found: Sequence[Json]) -> Table:
    table = Table("placed", "customer", "items", "total", "status", "order")
    table.columns[3].justify = "right"
    table.columns[5].no_wrap, table.columns[5].min_width = True, 36  # an id that is cut is none
    for order in found:
        table.add_row(
            clock(order["placedAt"]),
            Text(order["loyaltyMemberId"], overflow="ellipsis", no_wrap=True),
            ", ".join(item["name"] for item in order["items"]),
            f"${order['total']:.2f}",
            status(order["status"]),
            order["id"],
        )
    return table


def board(found: Sequence[Json], rows: int) -> RenderableType:
    """The orders by status, the newest `rows` of each."""
    columns = []
    for name in ("PLACED", "IN_PROGRESS", "FULFILLED", "FAILED"):
        those = [order for order in found if order["status"] == name]
        lines = [
            Text(
                f"{clock(order['placedAt'])} {order['loyaltyMemberId'][:16]:16} "
                f"${order['total']:.2f}"
            )
            for order in those[:rows]
        ]
        title = Text(f"{name} {len(those)}", STYLES[name])
        columns.append(Panel(Group(*lines), title=title, width=36))
    return Columns(columns)
