"""`coffee`: the shop from a terminal."""
