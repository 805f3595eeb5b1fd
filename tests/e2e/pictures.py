"""`make pictures`: the terminal of the README. The page's pictures are test_page.py's own."""

import io
import re

from rich.console import Console
from rich.text import Text

import browser as chromium
from shop import Shop
from test_coffee import terminal
from test_page import PICTURES

COMMANDS = (
    ("menu",),
    ("order", "COFFEE_BLACK", "CROISSANT", "--as", "ann"),
    ("mine", "--as", "ann", "--limit", "3"),
)


def test_picture_of_the_terminal(shop: Shop) -> None:
    console = Console(record=True, width=112, file=io.StringIO())
    for command in COMMANDS:
        session = terminal(*command, columns=112)
        output = session.read()
        console.print(Text.assemble(("$ ", "bold green"), f"coffee {' '.join(command)}"))
        console.print(Text.from_ansi(_last_frame(output)))
    html = console.export_html(inline_styles=True, code_format=FORMAT)
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 980, "height": 200})
        page.set_content(html)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / "terminal.png", full_page=True)


FORMAT = (
    '<body style="margin:0;padding:14px;background:#161b22;color:#e6edf3">'
    '<pre style="font:14px/1.25 DejaVu Sans Mono,monospace;margin:0">{code}</pre></body>'
)


def _last_frame(output: str) -> str:
    """What stays on the screen of output that was drawn over itself."""
    lines = [""]
    for part in re.split(r"(\n|\r|\x1b\[1A|\x1b\[2K|\x1b\[\?25[lh])", output):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[1A":
            lines.pop()
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif part != "\r" and not part.startswith("\x1b[?25"):
            lines[-1] += part
    return "\n".join(lines).rstrip()
