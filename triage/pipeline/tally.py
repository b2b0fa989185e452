"""What a report counts while results are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from triage.decision import AUTO
from triage.pipeline.options import SHOWN, Shown


class Tally:
    """Counts decisions.

    Attributes:
        decided: Decisions so far.
        auto: Those that need no person.
        risk: Colour word → decisions.
        shown: The first decisions, for the screen.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.decided = 0
        self.auto = 0
        self.risk: Counter[str] = Counter()
        self.shown: list[Shown] = []

    def add(self, label: str, record: Mapping[str, Any]) -> None:
        """Count one decision."""
        self.decided += 1
        self.auto += record["unit"]["decision"] == AUTO
        self.risk[record["risk"]["color"]] += 1
        if len(self.shown) < SHOWN:
            self.shown.append(Shown(label, record))
