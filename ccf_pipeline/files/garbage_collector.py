"""Make Python look for garbage less often while a build runs or pairs are judged by the thousand.

A build holds hundreds of thousands of small things for as long as it lasts (the graph, plans, rows of open
shards), and makes thousands for every row, nearly all of which go when they are let go of. Python as it comes
looks through them all, again and again, for rings of things that only hold each other: a quarter of a build's
processor time. Rings are few, so that looking seldom costs no memory that could be seen.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

AFTER_NEW_THINGS = 20_000
"""Python's own number is 700; the young are looked at some fourteen times in 2,000 rows instead of 700."""
YOUNG_ROUNDS, OLD_ROUNDS = 50, 20


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Garbage is looked for seldom; a process that has chosen so already, or not at all, is left be."""
    before = gc.get_threshold()
    if not gc.isenabled() or before[0] == 0 or before[0] >= AFTER_NEW_THINGS:
        yield
        return
    gc.set_threshold(AFTER_NEW_THINGS, YOUNG_ROUNDS, OLD_ROUNDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
