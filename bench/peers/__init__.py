"""Plain bots, as their libraries' documentation shows them, with what costs nothing and helps: uvloop, a write-ahead log."""
