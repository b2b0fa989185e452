"""What every command needs: text for a terminal, and one thread for each matrix product."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 150
"""Columns of a table where the output is no terminal that says how wide it is."""

# C0 and C1 controls could move the cursor or recolour the screen; bidirectional marks could reorder a line of it.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def one_thread_each() -> None:
    """Keep matrix libraries to one thread; to be called before numpy loads.

    Workers and requests use all cores already, threads of a library would only fight over them. What the environment says
    stands.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


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
