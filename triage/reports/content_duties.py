"""The sections of a report on what must be seen to: risk, overdue matters, assessment; see `triage.reports.content`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from triage.reports.content_base import Count, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRow:
    """One ticket of level 3 (橙) or 4 (红).

    Attributes:
        number: Ticket number as people know it.
        reason: Why: factors or words of the rules, masked.
        state: Where its handling stands, in Chinese; empty from a file.
        event: Title of its event where that has several tickets; else empty.
    """

    appeal: str
    number: str
    received_at: datetime
    level: int
    color: str
    district: str
    unit: str
    category: str
    reason: str
    state: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRow:
    """One rise of an event's level, or a further ground for it."""

    at: datetime
    event: str
    title: str
    district: str
    level_from: int
    level_to: int
    ground: str
    reason: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Warnings.

    Attributes:
        new: Red and orange tickets of the period, reddest and newest first; ``new_total`` may exceed the rows.
        escalations: In the period, newest first; empty from a file.
        open: Red and orange tickets not closed at the end of the period, oldest first; empty from a file.
        unacknowledged: Warnings that nobody has taken note of; None from a file.
    """

    text: tuple[str, ...]
    new: tuple[RiskRow, ...]
    new_total: int
    escalations: tuple[EscalationRow, ...]
    escalations_total: int
    open: tuple[RiskRow, ...]
    open_total: int
    unacknowledged: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueRow:
    """One ticket with a term that is over (督办); of several terms the one that has been over for longest.

    Attributes:
        step: What is due: 受理, 接单, 办结 …
        days: Whole days overdue when the report's period ended, at least 0.
        order: Number of the supervision order (督办单号); empty where none was issued.
    """

    appeal: str
    number: str
    district: str
    unit: str
    category: str
    step: str
    due_at: datetime
    days: int
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What is overdue, longest first; ``by_unit`` counts all of it, also what is not listed."""

    text: tuple[str, ...]
    rows: tuple[OverdueRow, ...]
    total: int
    by_unit: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRow:
    """One unit or district in the assessment (考核).

    Attributes:
        rank: By score, equal scores share a rank; 0 for rows that are too small to be ranked (``note`` says so).
        count: Tickets dispatched to it in the period.
        responded: 响应率.
        finished: 办结率.
        on_time: 按期办结率.
        returned: 退单率.
        solved: 解决率.
        satisfied: 满意率.
        score: 0 to 100; None for rows that are not ranked.
    """

    rank: int
    name: str
    count: int
    responded: Share
    finished: Share
    on_time: Share
    returned: Share
    solved: Share
    satisfied: Share
    score: float | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentTable:
    """One ranking.

    Attributes:
        title: Such as 承办单位考核.
        of: 承办单位 or 区县.
        formula: How the score is made, in words, with the weights.
    """

    title: str
    of: str
    rows: tuple[AssessmentRow, ...]
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Assessment tables of month and quarter."""

    text: tuple[str, ...]
    tables: tuple[AssessmentTable, ...]
