"""A small drawing of each item."""

from coffeeshop.contracts import MenuItem, Station

_CUP = (
    '<path d="M14 22h30v18a10 10 0 0 1-10 10H24a10 10 0 0 1-10-10z" fill="{}"/>'
    '<path d="M44 27h4a6 6 0 0 1 0 12h-4" fill="none" stroke="{}" stroke-width="3"/>'
    '<path d="M22 8c-3 4 3 5 0 10M30 8c-3 4 3 5 0 10" fill="none" stroke="#9a8c7f"/>'
)
_PASTRY = (
    '<path d="M8 42c2-20 14-28 24-28s22 8 24 28c-6 4-10-2-14-8-4 4-16 4-20 0-4 6-8 12-14 8z" '
    'fill="{}" stroke="{}" stroke-width="2"/>'
)
_COLOURS = {
    "CAPPUCCINO": "#c69c6d",
    "COFFEE_BLACK": "#3b2417",
    "COFFEE_WITH_ROOM": "#5b3a25",
    "ESPRESSO": "#2c1a10",
    "ESPRESSO_DOUBLE": "#1f120a",
    "LATTE": "#d9b48f",
    "CAKEPOP": "#d978a0",
    "CROISSANT": "#d89a4a",
    "MUFFIN": "#a9713b",
    "CROISSANT_CHOCOLATE": "#6b4226",
}


def svg(item: MenuItem) -> str:
    shape = _CUP if item.station is Station.BARISTA else _PASTRY
    drawing = shape.format(_COLOURS.get(item.name, "#b08968"), "#8a5a2b")
    title = item.name.replace("_", " ").capitalize()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">'
        f"<title>{title}</title>{drawing}</svg>"
    )
