"""The evidence of a report: its tickets, and which of them each figure counts; see `triage.reports.content`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the trace keeps of one ticket; no word of its text.

    Attributes:
        id: Of the appeal.
        number: Ticket number as people know it; the id where there is none.
        event: Id of its event.
    """

    id: str
    number: str
    received_at: datetime
    channel: str
    district: str
    street: str
    unit: str
    l1: str
    l2: str
    type: str
    risk_level: int
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedNumber:
    """One figure and the tickets that were counted.

    Attributes:
        key: As in the figure.
        section: Chinese name of the section.
        label: What the figure says, in Chinese.
        value: The figure.
        tickets: Positions in ``Trace.tickets``, ascending.
    """

    key: str
    section: str
    label: str
    value: int
    tickets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The evidence: every ticket once, and for each figure the positions of its tickets.

    ``complete`` is False where the period has more tickets than a workbook's sheet takes; ``note`` says so.
    """

    tickets: tuple[Ticket, ...]
    numbers: tuple[TracedNumber, ...]
    complete: bool
    note: str
