"""Text for a terminal."""

from __future__ import annotations

import re

# C0 and C1 controls could move the cursor or recolour the screen; bidirectional marks could reorder a line of it.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def printable(text: str) -> str:
    """Return a text on one line, without what a terminal would obey: ids, file names and titles come from strangers."""
    return _UNSAFE.sub(" ", text)
