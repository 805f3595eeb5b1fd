"""The short numbers that orders are called out by.

An order's number follows from where its entry stands in the index of all, which it has before it is
saved: so it costs no call, and no document that all orders queue for. Shard s of 32 has the numbers
s + 1, s + 33, s + 65, … and gives them in turn, from the first one again when it got no order for 8
hours. A day of a hundred orders has numbers up to some 350, one of a thousand up to some 1,600.

Two orders have the same number only if between them, in one shard, there were 311 others (about
10,000 in the shop), or if 8 hours are between them: no order is called out for longer
(`counter.pickup`).
"""

from coffeeshop.index import Index, Place

TURNS = 312
"""How many numbers a shard has: with 32 shards, the highest one is 9,984."""


def number(index: Index, place: Place) -> int:
    """Of the order whose entry stands there."""
    return place.turn % TURNS * index.shards + place.shard + 1
