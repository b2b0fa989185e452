"""The contents of a report: figures, sentences and the tickets behind every figure; nothing about how it looks.

A `Report` is made by `triage.reports.build` and rendered by `triage.reports.documents`. All texts in it are masked, all
values are plain (`triage.reports.codec` turns a report into JSON and back). Every section has ``text``: whole sentences in
official Chinese, in the order in which they should be printed before the section's tables. A tuple may be empty
everywhere; what is not known is None and never 0.

Every figure has a ``key``. ``report.trace`` says for each key which tickets were counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from triage.reports.content_base import Count, DayCount, Heat, HeatPart, Quote, Share
from triage.reports.content_duties import (
    Assessment,
    AssessmentRow,
    AssessmentTable,
    EscalationRow,
    Overdue,
    OverdueRow,
    Risk,
    RiskRow,
)
from triage.reports.content_trace import Ticket, Trace, TracedNumber
from triage.reports.period import Period

__all__ = [
    "Assessment",
    "AssessmentRow",
    "AssessmentTable",
    "Categories",
    "CategoryRow",
    "Count",
    "DayCount",
    "DistrictRow",
    "Districts",
    "EscalationRow",
    "EventRow",
    "Events",
    "FrequentRow",
    "Heat",
    "HeatPart",
    "HeatTable",
    "HighFrequency",
    "Overdue",
    "OverdueRow",
    "Overview",
    "QualityNote",
    "Quote",
    "Report",
    "Risk",
    "RiskRow",
    "Share",
    "ThemeRow",
    "Ticket",
    "Topics",
    "Trace",
    "TracedNumber",
    "UnitRow",
    "Units",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole in a few figures.

    Attributes:
        total: All tickets of the period.
        daily: One entry per day of the period, in order, zeros included; of a day report the 14 days up to it.
        previous_daily: The days before in the same number, for the second line of the chart; empty where unknown.
        channels: Largest first.
        types: 咨询, 求助, 投诉 …; largest first.
        risks: 红, 橙, 黄, 蓝, 无, in this order, always five entries.
        appellants: Distinct appellants where known; None where no ticket names one.
        automatic: Proposals that needed no person, of all decided ones.
        closed: Tickets of the period that are closed; None from a file.
    """

    text: tuple[str, ...]
    total: Count
    daily: tuple[DayCount, ...]
    previous_daily: tuple[DayCount, ...]
    channels: tuple[Count, ...]
    types: tuple[Count, ...]
    risks: tuple[Count, ...]
    appellants: int | None
    automatic: Share | None
    closed: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """One category of the first level and what is in it, largest first."""

    total: Count
    children: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """Matters by category, largest first; the last row may be 其他（n类） for the small ones."""

    text: tuple[str, ...]
    rows: tuple[CategoryRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictRow:
    """One district (or, in a report about one district, that district) and its streets, largest first.

    Attributes:
        rank: By count, equal counts share a rank.
        total: With the name of the district; 区划不明 is always the last row and has rank 0.
        streets: At most ten.
        leading: The largest category of the second level; empty where there is none.
    """

    rank: int
    total: Count
    streets: tuple[Count, ...]
    leading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatTable:
    """Counts of place by category, for a table coloured by depth.

    Attributes:
        of: What the rows are: 区县 or 街镇.
        rows: Names of places.
        columns: Names of categories of the first level.
        counts: ``counts[i][j]`` tickets of row i in column j.
        keys: Keys of the same shape.
    """

    of: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    keys: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Districts:
    """Matters by place."""

    text: tuple[str, ...]
    rows: tuple[DistrictRow, ...]
    heat: HeatTable


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """One unit.

    Attributes:
        rank: By tickets, equal counts share a rank.
        total: Tickets of the period that are with the unit (proposed or dispatched), with its name.
        on_time: Terms of finishing whose end lay in the period: met in time, of all; None from a file.
        returned: Returned (退单) of dispatched in the period; None from a file.
        satisfied: Satisfied or fairly so, of those asked; None where nobody was asked.
    """

    rank: int
    total: Count
    on_time: Share | None
    returned: Share | None
    satisfied: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Matters by unit, largest first; ``others`` is the number of units that are not listed."""

    text: tuple[str, ...]
    rows: tuple[UnitRow, ...]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event of several tickets.

    Attributes:
        rank: By heat.
        count: Tickets in the period.
        size: Tickets altogether.
        appellants: Distinct appellants altogether; None where no ticket names one.
        growth: Tickets of the last days of the period relative to the days before, as ``triage.events.facts`` gives it;
            None where it cannot be said.
        high_frequency: The day on which it became a high-frequency event; None where it is none.
        state: 处理中, 已办结 or 已合并; empty from a file.
        daily: Tickets per day of the period, for a sparkline.
        quotes: At most two, from different tickets.
    """

    rank: int
    id: str
    title: str
    keywords: tuple[str, ...]
    district: str
    unit: str
    state: str
    count: Count
    size: int
    appellants: int | None
    first_at: datetime
    last_at: datetime
    growth: float | None
    risk_level: int
    high_frequency: date | None
    heat: Heat
    daily: tuple[int, ...]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Hot events; ``total`` counts all events of at least two tickets with one in the period."""

    text: tuple[str, ...]
    rows: tuple[EventRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeRow:
    """One theme: a category of the second level with the words that make it particular.

    Attributes:
        name: Readable, at most 20 characters.
        level: Where it is concentrated: 市, 区县 or 街镇.
        place: The place at that level; empty for 市.
        expected: Tickets to be expected from its own history; None for a theme that is merely frequent.
        significance: Rate of false discoveries at which it is reported (q value); None likewise.
        since: First day of the burst; None where there is none.
        heat: None where it was not computed.
        note: Seasonality and the like; may be empty.
    """

    rank: int
    name: str
    l1: str
    l2: str
    keywords: tuple[str, ...]
    level: str
    place: str
    count: Count
    expected: float | None
    significance: float | None
    since: date | None
    heat: Heat | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Frequent themes and emerging ones; ``method`` says in one sentence how emergence was judged."""

    text: tuple[str, ...]
    themes: tuple[ThemeRow, ...]
    emerging: tuple[ThemeRow, ...]
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequentRow:
    """A high-frequency event (多频): at least three distinct tickets within three consecutive days.

    Attributes:
        began: The third day's date: the day on which the rule was first fulfilled.
        new: Whether that was in the period.
        count: Tickets in the period.
        size: Tickets altogether.
    """

    id: str
    title: str
    district: str
    unit: str
    began: date
    new: bool
    count: Count
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HighFrequency:
    """High-frequency events with a ticket in the period, latest first; ``total`` may exceed the rows."""

    text: tuple[str, ...]
    rows: tuple[FrequentRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityNote:
    """One thing to know when reading the figures, as a sentence; ``count`` tickets are concerned."""

    code: str
    text: str
    count: int
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report.

    Attributes:
        kind: day, week, month or quarter.
        title: Such as 南汀市12345热线诉求周报.
        issue: Issue number in words, such as 2019年第36期.
        office: Who issues it (编制单位); empty where unknown.
        area: District it is about; empty for all.
        period: What it covers.
        previous: The period before, of the same length.
        last_year: The same period one year before.
        made_at: When it was made, with time zone; given by the caller, so that a report can be made again.
        summary: 内容提要, one to four sentences.
        overdue: None from a file, where nothing is known about handling.
        assessment: None for day and week, and from a file.
        basis: Sentences on where the figures come from and how they were counted.
    """

    kind: str
    title: str
    issue: str
    office: str
    area: str
    period: Period
    previous: Period
    last_year: Period
    made_at: datetime
    summary: tuple[str, ...]
    overview: Overview
    categories: Categories
    districts: Districts
    units: Units
    events: Events
    topics: Topics
    high_frequency: HighFrequency
    risk: Risk
    overdue: Overdue | None
    quality: tuple[QualityNote, ...]
    assessment: Assessment | None
    basis: tuple[str, ...]
    trace: Trace
