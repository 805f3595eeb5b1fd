"""A station's screen in a terminal: what its keys mean, and how it looks. Neither reads a key nor
calls anybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from coffee.client import Json
from coffee.show import cut, status, text
from coffee.staff import Step

HELP = "1-9 ↑↓ choose · tab item · enter next step · s start · r ready · f cannot be made · q quit"
REASONS = ("Sold out", "The machine does not work", "It went wrong", "The customer has left")
"""Customers read them; the page has the same."""
CARD = 36
"""Cells."""
UP, DOWN, TAB, ENTER, ESCAPE, ERASE = "up", "down", "tab", "enter", "escape", "erase"
"""Keys that are no characters."""


@dataclass(frozen=True)
class Tap:
    """What somebody did with a ticket, or with one of its items."""

    step: Step
    order_id: str
    items: tuple[str, ...] | None
    reason: str | None
    words: str
    """What it is called where it was not sent."""
    seen: int
    """The version of the ticket that the person saw."""


@dataclass
class Screen:
    """The state. `press` is told of each key, and returns what was done, if something was."""

    by: str = ""
    """Who works here."""
    tickets: Sequence[Json] = ()
    is_known: bool = False
    """Whether the station has told what it has."""
    is_staffed: bool = True
    """Whether staff make there; else it makes by itself."""
    slow: int = 180
    late: int = 360
    """Seconds."""
    note: str = ""
    unsent: Sequence[str] = ()
    is_offline: bool = False
    has_ended: bool = False
    _chosen: str = ""
    """The order's id."""
    _item: int = -1
    """Which item of it; below 0 the whole ticket."""
    _asks: bool = field(default=False)
    """For a reason."""
    _typed: str | None = None
    """A reason of one's own, while it is typed."""

    def update(self, page: Json) -> None:
        """What the station has by now."""
        self.tickets = [ticket for ticket in page["tickets"] if not ticket["final"]]
        self.slow, self.late = page["limits"]["slow"], page["limits"]["late"]
        self.is_known, self.is_staffed = True, page.get("byStaff", True)
        if self._asks and all(each["orderId"] != self._chosen for each in self.tickets):
            # Else the reason would be another ticket's.
            self._asks, self._typed = False, None
            self.note = "That ticket has ended meanwhile."

    @property
    def chosen(self) -> Json | None:
        """The ticket that keys are about: the oldest one, if none was chosen or it has ended."""
        for ticket in self.tickets:
            if ticket["orderId"] == self._chosen:
                return ticket
        return self.tickets[0] if self.tickets else None

    def press(self, key: str) -> Tap | None:
        self.note = ""
        if self._asks:
            return self._answer(key)
        if key == "q":
            self.has_ended = True
        elif key.isdigit():
            self._choose(int(key) - 1)
        elif key in (UP, DOWN, "k", "j"):
            self._choose(self._place() + (1 if key in (DOWN, "j") else -1))
        elif key == TAB:
            self._next_item()
        elif key in (ENTER, "s", "r", "f"):
            return self._step(key)
        return None

    def _place(self) -> int:
        chosen = self.chosen
        ids = [ticket["orderId"] for ticket in self.tickets]
        return ids.index(chosen["orderId"]) if chosen else 0

    def _choose(self, place: int) -> None:
        if 0 <= place < len(self.tickets):
            self._chosen, self._item = self.tickets[place]["orderId"], -1

    def _next_item(self) -> None:
        if ticket := self.chosen:
            self._chosen = ticket["orderId"]
            self._item += 1
            if self._item == len(ticket["items"]):
                self._item = -1

    def _items(self, ticket: Json) -> list[Json]:
        """What keys are about."""
        one = self._item if self._chosen == ticket["orderId"] else -1
        items: list[Json] = ticket["items"]
        return [items[one]] if 0 <= one < len(items) else items

    def _step(self, key: str) -> Tap | None:
        ticket = self.chosen
        if ticket is None:
            return None
        waiting = any(item["status"] == "QUEUED" for item in self._items(ticket))
        if key == "f":
            self._chosen, self._asks = ticket["orderId"], True
            return None
        if key == "s" or (key == ENTER and waiting):
            return self._tap(ticket, "start")
        if waiting:
            self.note = "Start it first."
            return None
        return self._tap(ticket, "ready")

    def _answer(self, key: str) -> Tap | None:
        """A key while a reason is asked for."""
        ticket = self.chosen
        if key == ESCAPE or ticket is None:
            self._asks, self._typed = False, None
        elif self._typed is not None:
            if key == ENTER and self._typed.strip():
                return self._tap(ticket, "fail", self._typed.strip())
            if key == ERASE:
                self._typed = self._typed[:-1]
            elif len(key) == 1 and key.isprintable():
                self._typed += key
        elif key.isdigit() and 0 < int(key) <= len(REASONS):
            return self._tap(ticket, "fail", REASONS[int(key) - 1])
        elif key == "o":
            self._typed = ""
        return None

    def _tap(self, ticket: Json, step: Step, reason: str | None = None) -> Tap:
        items = self._items(ticket)
        is_whole = len(items) == len(ticket["items"])
        self._asks, self._typed, self._item = False, None, -1
        named = called(ticket) if is_whole else f"{items[0]['name']} of {called(ticket)}"
        ids = None if is_whole else (items[0]["id"],)
        return Tap(step, ticket["orderId"], ids, reason, f"{step} {named}", ticket["sequence"])

    # How it looks

    def drawn(self, now: datetime, height: int) -> RenderableType:
        """As large as the terminal: older tickets first, and how many there are beyond."""
        chosen = self.chosen
        cards = [
            self._card(ticket, place, now, is_chosen=ticket is chosen)
            for place, ticket in enumerate(self.tickets, 1)
        ]
        room = max(1, height // 8) * 3
        parts: list[RenderableType] = [Columns(cards[:room])] if cards else []
        if not cards:
            parts.append(Text(self._nothing(), "dim"))
        if len(cards) > room:
            parts.append(Text(f"and {len(cards) - room} more", "bold"))
        return Group(*parts, *self._foot())

    def _nothing(self) -> str:
        if not self.is_known:
            return "The tickets are on their way …"
        if not self.is_staffed:
            return "This station makes by itself, at once: nothing waits for staff."
        return "Nothing is to be made."

    def _card(self, ticket: Json, place: int, now: datetime, *, is_chosen: bool) -> Panel:
        age = self.age(ticket, now)
        style = "red" if age >= self.late else "yellow" if age >= self.slow else "green"
        table = Table.grid("", "", padding=(0, 1))
        for item in ticket["items"]:
            is_alone = is_chosen and self._item >= 0 and item in self._items(ticket)
            mark = "▸" if is_alone else ""
            table.add_row(cut(f"{mark}{item['name']}", CARD - 18), status(item["status"]))
            if item["status"] == "STARTED" and (who := item.get("startedBy")) not in (
                None,
                self.by,
            ):
                table.add_row("", cut(f"by {who}", CARD - 18))
        title = text(called(ticket)).append(f"  {age // 60}:{age % 60:02}")
        title = Text(f"{place} ", "bold").append(title)
        border = f"bold {style}" if is_chosen else style
        return Panel(
            table,
            title=title,
            title_align="left",
            width=CARD,
            border_style=border,
            style="reverse" if is_chosen else "",
        )

    def _foot(self) -> list[RenderableType]:
        foot: list[RenderableType] = [Text("")]
        if self.is_offline:
            foot.append(Text("The station cannot be reached; it is tried again.", "bold red"))
        if self.unsent:
            foot.append(text("Not sent yet: " + ", ".join(self.unsent), "red"))
        if self.note:
            foot.append(text(self.note, "bold yellow"))
        if self._typed is not None:
            foot.append(text(f"Why? {self._typed}_", "bold"))
        elif self._asks:
            reasons = " · ".join(f"{n} {reason}" for n, reason in enumerate(REASONS, 1))
            foot.append(Text(f"Why? {reasons} · o another reason · escape", "bold"))
        else:
            foot.append(Text(HELP, "dim"))
            if self.by:
                foot.append(text(f"You are {self.by}; --as NAME is somebody else.", "dim"))
        return foot

    def age(self, ticket: Json, now: datetime) -> int:
        """Seconds since it was ordered, as far as that is known."""
        since = ticket["placedAt"] or ticket["acceptedAt"] or ticket["answeredAt"]
        return max(0, round((now - datetime.fromisoformat(since)).total_seconds()))


def called(ticket: Json) -> str:
    """What a ticket is called out by."""
    number = f"No. {ticket['number']}" if ticket["number"] else ticket["orderId"][:8]
    return f"{number} {ticket['name']}" if ticket["name"] else str(number)


def line(ticket: Json) -> Text:
    """One ticket in one line, for what is no terminal."""
    parts = [text(called(ticket))]
    parts += [
        text(item["name"]).append(" ").append(status(item["status"])) for item in ticket["items"]
    ]
    return Text("  ").join(parts)
