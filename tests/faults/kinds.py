"""What a call of counter-api is for, told by its target and body."""

import json

from tests.support.proxy import Call


def kind_of(call: Call) -> str:
    """What the call is for, without ids. Saves of the same kind are one call, also of many."""
    path = call.target.partition("?")[0]
    if "/invoke/" in path:
        return "menu"
    if "/publish/" in path:
        station, _, what = path.rpartition("/")[2].partition("_order_")
        return f"{'cancel' if what == 'cancelled' else 'publish'} {station}"
    if call.method == "GET":
        return f"read {_what(path.rpartition('/')[2])}"
    if path.endswith("/bulk"):
        keys = json.loads(call.body)["keys"]
        # Placing reads the heads of two indexes, a sweep those of one, and what it remembers.
        return "read heads" if "watch" in keys else f"read many {_what(keys[0])}"
    what = _what(call.body.partition(b'"key":"')[2].partition(b'"')[0].decode())
    for mark, kind in _SAVES.items():
        if mark in call.body:
            return kind
    return f"save {what}"


_SAVES = {
    b'"kind":"tombstone"': "save tombstone",
    b'"gave_up":true}': "give up",
    b'"settled":[': "settle",
}


def _what(key: str) -> str:
    name = key.partition("-")[0]
    if name in ("all", "customer"):
        return f"index {name}"
    return name if name in ("report", "cancel", "watch") else "order"
