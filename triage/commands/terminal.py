"""Text for a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 150
"""Columns of a table where the output is no terminal that says how wide it is."""

# C0 and C1 controls could move the cursor or recolour the screen; bidirectional marks could reorder a line of it.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def printable(text: str) -> str:
    """Return a text on one line, without what a terminal would obey: ids, file names and titles come from strangers."""
    return _UNSAFE.sub(" ", text)


def make_screen() -> Console:
    """Return the console for results on stdout: no markup from strangers' texts is obeyed."""
    # Not at the top: `triage --help` needs this module and no tables.
    from rich.console import Console

    screen = Console(highlight=False, emoji=False)
    if not screen.is_terminal:
        screen.width = WIDTH
    return screen
