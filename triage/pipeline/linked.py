"""Events attached to decisions that were made before the events were known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from triage.decision import EventDecision, Reason
from triage.events import EventAssignment

_NAMED = 2
"""Other appeals of the event that the explanation names."""


class EventBook:
    """Which event each decision belongs to, by its position in the input.

    Attributes:
        events: Number of events of two or more appeals.
        linked: Number of appeals in those events.
    """

    def __init__(self, assignments: Sequence[EventAssignment]) -> None:
        """Keep the assignments and the first members of every event."""
        self._assignments = assignments
        self._first: dict[str, list[str]] = defaultdict(list)
        self.linked = 0
        for assignment in assignments:
            if assignment.size > 1:
                self.linked += 1
                if len(self._first[assignment.event_id]) <= _NAMED:
                    self._first[assignment.event_id].append(assignment.id)
        self.events = len(self._first)

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self._assignments)

    def attach(self, record: dict[str, Any], position: int) -> dict[str, Any]:
        """Put the event into a result record, and the reason into its explanation; returns the record."""
        assignment = self._assignments[position]
        similar = tuple((other.id, other.probability) for other in assignment.similar)
        record["event"] = EventDecision(assignment.event_id, assignment.size, similar).to_record()
        if assignment.size > 1:
            record["explanation"].append(Reason("similar", self._sentence(assignment)).to_record())
        return record

    def _sentence(self, assignment: EventAssignment) -> str:
        others = [other for other in self._first[assignment.event_id] if other != assignment.id][:_NAMED]
        named = "、".join(others)
        if assignment.size - 1 > len(others):
            named += f"等{assignment.size - 1}件诉求"
        return f"与{named}疑为同一事件"
