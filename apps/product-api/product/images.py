"""A small drawing of each item: a shape and its colours."""

from coffeeshop.contracts import MenuItem, Station

_STEAM = (
    '<g fill="none" stroke="#9a8c7f" stroke-width="2" stroke-linecap="round">'
    '<path d="M24 6c-3 4 3 5 0 10M33 6c-3 4 3 5 0 10"/></g>'
)
# Their one colour is that of what is in the cup, or of what was baked.
_MUG = (
    f"{_STEAM}"
    '<path d="M45 27h4a6 6 0 0 1 0 13h-4" fill="none" stroke="#8a5a2b" stroke-width="4"/>'
    '<path d="M13 22h32v20a10 10 0 0 1-10 10H23a10 10 0 0 1-10-10z" fill="#fff" stroke="#8a5a2b" '
    'stroke-width="2"/><path d="M16 25h26v6H16z" fill="{}"/>'
)
_SMALL_CUP = (
    '<ellipse cx="32" cy="52" rx="22" ry="4" fill="#e9dccb" stroke="#8a5a2b" stroke-width="2"/>'
    '<path d="M42 32h4a5 5 0 0 1 0 10h-4" fill="none" stroke="#8a5a2b" stroke-width="3"/>'
    '<path d="M20 28h22v14a8 8 0 0 1-8 8h-6a8 8 0 0 1-8-8z" fill="#fff" stroke="#8a5a2b" '
    'stroke-width="2"/><path d="M22 30h18v5H22z" fill="{}"/>'
)
_GLASS = (
    '<path d="M18 10h28l-4 44H22z" fill="#fff" stroke="#8a5a2b" stroke-width="2"/>'
    '<path d="M20 22h24l-3 30H23z" fill="{}"/><path d="M19.5 15h25l-.7 8H20.2z" fill="#fdf3e4"/>'
)
_FOAM = '<ellipse cx="29" cy="22" rx="16" ry="5" fill="#fdf3e4" stroke="#8a5a2b"/>'
_CRESCENT = (
    '<path d="M6 42c2-20 14-28 26-28s24 8 26 28c-6 5-11-2-15-9-5 4-17 4-22 0-4 7-9 14-15 9z" '
    'fill="{}" stroke="#8a5a2b" stroke-width="2"/>'
    '<path d="M22 17l-3 17M32 14v21M42 17l3 17" stroke="#8a5a2b" stroke-width="2"/>'
)
_MUFFIN = (
    '<path d="M17 34h30l-5 20H22z" fill="#e7c9a0" stroke="#8a5a2b" stroke-width="2"/>'
    '<path d="M25 36l2 16M32 36v16M39 36l-2 16" stroke="#8a5a2b"/>'
    '<path d="M12 34c-2-14 8-23 20-23s22 9 20 23c-8 4-32 4-40 0z" fill="{}" stroke="#8a5a2b" '
    'stroke-width="2"/><g fill="#3b2417"><circle cx="24" cy="24" r="2.2"/>'
    '<circle cx="34" cy="19" r="2.2"/><circle cx="41" cy="27" r="2.2"/></g>'
)
_ON_A_STICK = (
    '<path d="M32 34v24" stroke="#8a5a2b" stroke-width="4" stroke-linecap="round"/>'
    '<circle cx="32" cy="23" r="16" fill="{}" stroke="#8a5a2b" stroke-width="2"/>'
    '<g stroke-width="3" stroke-linecap="round"><path d="M24 20l3 3" stroke="#fff"/>'
    '<path d="M34 14l3 3" stroke="#f3c892"/><path d="M38 26l-3 3" stroke="#fff"/></g>'
)
_DRAWINGS = {
    "CAPPUCCINO": (_MUG + _FOAM, "#c69c6d"),
    "COFFEE_BLACK": (_MUG, "#2c1a10"),
    "COFFEE_WITH_ROOM": (_MUG, "#5b3a25"),
    "ESPRESSO": (_SMALL_CUP, "#2c1a10"),
    "ESPRESSO_DOUBLE": (_SMALL_CUP.replace("h18v5", "h18v12"), "#1f120a"),
    "LATTE": (_GLASS, "#c99f73"),
    "CAKEPOP": (_ON_A_STICK, "#d978a0"),
    "CROISSANT": (_CRESCENT, "#d89a4a"),
    "MUFFIN": (_MUFFIN, "#a9713b"),
    "CROISSANT_CHOCOLATE": (_CRESCENT, "#6b4226"),
}


def svg(item: MenuItem) -> str:
    """The item's drawing; an item without one gets a plain cup or crescent."""
    plain = _MUG if item.station == Station.BARISTA else _CRESCENT
    shape, colour = _DRAWINGS.get(item.name, (plain, "#b08968"))
    title = item.name.replace("_", " ").capitalize()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">'
        f"<title>{title}</title>{shape.format(colour)}</svg>"
    )
