"""How things look in a terminal. Whatever others wrote is a `Text`: rich reads no markup in it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from coffee.client import Json
from coffeeshop.text import shown

WORDS = {
    "PLACED": "placed",
    "IN_PROGRESS": "in preparation",
    "QUEUED": "waiting",
    "STARTED": "being made",
    "READY": "ready",
    "FULFILLED": "ready",
    "PARTIAL": "partly ready",
    "FAILED": "failed",
}
STYLES = {
    "PLACED": "bold",
    "IN_PROGRESS": "yellow",
    "QUEUED": "bold",
    "STARTED": "yellow",
    "READY": "green",
    "FULFILLED": "green",
    "PARTIAL": "red",
    "FAILED": "red",
    "CANCELLED": "red",
}
SHORT_ID = 8
"""Characters of an order's id that people are shown, and may type."""
_FLAGS = range(0x1F1E6, 0x1F200)
"""Letters of which two make a flag."""


def text(words: object, style: str = "") -> Text:
    return Text(shown(str(words)), style)


def cut(words: str, cells: int) -> Text:
    """No wider than `cells`; a character that takes several code points is left out as a whole."""
    if cell_len(words) > cells:
        words = set_cell_size(words, cells - 1).rstrip()
        letters = len(words) - len(words.rstrip("".join(map(chr, _FLAGS))))
        words = words[: len(words) - letters % 2] + "…"
    return text(words)


def status(name: str) -> Text:
    return text(WORDS.get(name, name.lower().replace("_", " ")), STYLES.get(name, ""))


def clock(moment: str, now: datetime | None = None) -> str:
    """The local time, and the date where the day is not today."""
    local = datetime.fromisoformat(moment).astimezone()
    today = now or datetime.now().astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%d %b %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


def short(order: Json) -> str:
    return str(order["id"])[:SHORT_ID]


def money(amount: float) -> str:
    return f"${amount:.2f}"


def due(order: Json) -> Text:
    """What was made of the order, or still may be: less than was ordered is marked."""
    return Text(money(order["due"]), "red" if order["due"] < order["total"] else "")


def called(order: Json) -> str:
    """What the order is called out by."""
    return "" if order["number"] is None else f"No. {order['number']}"


def about(seconds: int) -> str:
    """How long that is, as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return "about a minute" if minutes == 1 else f"about {minutes} minutes"


def summary(items: Sequence[Json]) -> Text:
    """Equal items once, with their number: 12 × LATTE, CROISSANT."""
    counted = Counter(item["name"] for item in items)
    return text(", ".join(f"{n} × {name}" if n > 1 else name for name, n in counted.items()))


_NOW = {
    True: Text("available", "green"),
    False: Text("sold out", "red"),
    None: Text("not known", "dim"),
}
MENU_COLUMNS, ORDERS_COLUMNS = 52, 72
"""Below which a menu and a customer's orders are lines."""


def menu(items: Sequence[Json]) -> Table:
    table = Table("item", "price", "station", "now", title="Menu", title_justify="left")
    table.columns[1].justify = "right"
    for item in items:
        note = _NOW[item["available"]]
        table.add_row(text(item["name"]), money(item["price"]), text(item["station"]), note)
    return table


def offer(item: Json) -> Text:
    """An item of the menu in one line."""
    parts = text(item["name"]), Text(money(item["price"])), _NOW[item["available"]]
    return Text("  ").join(parts)


def receipt(order: Json) -> RenderableType:
    """Items that are equal, and how it is with them, are one line."""
    table = Table.grid("", "", "", "", padding=(0, 2))
    table.columns[0].justify = table.columns[2].justify = "right"
    lines = Counter(
        (item["name"], item["price"], item["status"], item["reason"]) for item in order["items"]
    )
    for (name, price, state, reason), count in lines.items():
        number = f"{count} ×" if count > 1 else ""
        table.add_row(number, text(name), money(price * count), status(state))
        if reason:
            table.add_row("", text(reason, "red"))
    table.add_row("", Text("total", "bold"), money(order["total"]), status(order["status"]))
    if order["due"] != order["total"]:
        table.add_row("", Text("due", "bold"), due(order), "")
    title = text(order["loyaltyMemberId"]).append(f", {clock(order['placedAt'])}")
    if name := called(order):
        title = Text(f"{name}, ").append(title)
    last = f"order {short(order)}"
    if order["estimateSeconds"] is not None:
        last += f", ready in {about(order['estimateSeconds'])}"
    named = Group(table, Text(last, "dim"))
    return Panel(named, title=title, title_align="left", expand=False)


def orders(found: Sequence[Json]) -> Table:
    """One customer's."""
    table = Table("no.", "placed", "items", "total", "due", "status", "order", box=box.SIMPLE)
    for column in (0, 3, 4):
        table.columns[column].justify = "right"
    for column in (0, 1, 3, 4, 5, 6):
        table.columns[column].no_wrap = True
    for order in found:
        table.add_row(
            str(order["number"] or ""),
            clock(order["placedAt"]),
            summary(order["items"]),
            money(order["total"]),
            due(order),
            status(order["status"]),
            short(order),
        )
    return table


def board(found: Sequence[Json], rows: int) -> RenderableType:
    """The orders by status, the newest `rows` of each."""
    columns = []
    for name in ("PLACED", "IN_PROGRESS", "FULFILLED", "PARTIAL", "FAILED", "CANCELLED"):
        those = [order for order in found if order["status"] == name]
        if name in ("PARTIAL", "CANCELLED") and not those:
            continue
        table = Table.grid("", "", "", "", padding=(0, 1))
        table.columns[2].no_wrap = True
        for order in those[:rows]:
            customer = cut(order["loyaltyMemberId"], 12)
            number = str(order["number"] or "")
            table.add_row(number, clock(order["placedAt"]), customer, due(order))
        columns.append(Panel(table, title=status(name).append(f" {len(those)}"), width=38))
    return Columns(columns)


def line(order: Json) -> Text:
    """One order in one line, for what is no terminal."""
    parts = (
        Text(str(order["number"] or "-")),
        Text(clock(order["placedAt"])),
        Text(short(order)),
        status(order["status"]),
        text(order["loyaltyMemberId"]),
        summary(order["items"]),
        Text(money(order["total"])),
        Text("due ").append(due(order)),
    )
    return Text("  ").join(parts)
