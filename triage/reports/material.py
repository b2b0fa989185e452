"""What was gathered for a report, from the store or from a file, before it is put into words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from triage.events.facts import EventFacts
from triage.reports.content import EscalationRow, OverdueRow, RiskRow, Ticket
from triage.reports.period import Period
from triage.trends import Bursts, Themes

MOST_TRACED = 100_000
"""Tickets that a report lists; a workbook's sheet has room for ten times as many rows, and each is in a dozen figures."""

GROUPINGS: Mapping[str, tuple[str, ...]] = {
    "total": (),
    "day": ("day",),
    "channel": ("channel",),
    "type": ("type",),
    "risk": ("risk",),
    "district": ("district",),
    "street": ("district", "street"),
    "l1": ("l1",),
    "l2": ("l1", "l2"),
    "district_l1": ("district", "l1"),
    "district_l2": ("district", "l2"),
    "street_l1": ("district", "street", "l1"),
    "unit": ("unit",),
    "automatic": ("automatic",),
    "closed": ("closed",),
}
"""Name of a table of counts → the columns it is by. Days are ISO dates, risk levels digits, automatic and closed ``1`` or ``0``;
automatic is empty where nothing was proposed."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Tickets of the period, of the one before, and of the one a year ago."""

    now: int = 0
    before: int = 0
    year: int = 0


NONE = Counts()

Tables = Mapping[str, Mapping[Key, Counts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which report is wanted.

    Attributes:
        period: What it covers.
        area: District it is about; empty for all that may be seen.
        made_at: When it is made, with a time zone; what is due or open is told for this moment or the period's end,
            whichever comes first.
        office: Who issues it; may be empty.
        top: Events and themes listed; None: as many as suit the kind.
    """

    period: Period
    made_at: datetime
    area: str = ""
    office: str = ""
    top: int | None = None

    def __post_init__(self) -> None:
        if self.made_at.tzinfo is None:
            raise ValueError("made_at has no time zone; use e.g. ZoneInfo('Asia/Shanghai')")

    @property
    def as_of(self) -> datetime:
        """Moment for which open and overdue matters are told."""
        return min(self.made_at, self.period.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A ticket with the two marks that a report counts besides.

    Attributes:
        ticket: What the trace shows of it.
        automatic: Whether the proposal needed no person; None where there was none.
        closed: Whether it is closed; None from a file.
    """

    ticket: Ticket
    automatic: bool | None = None
    closed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteSource:
    """A masked text that may be quoted."""

    appeal: str
    number: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMaterial:
    """One event with tickets in the period.

    Attributes:
        id: The event.
        state: One of the store's event states; empty from a file.
        facts: Told from all its visible tickets received before the period's end.
        count: Tickets of the period.
        before: Of the period before.
        people: Distinct appellants of the period; an unknown one counts as one.
        places: Distinct known districts of the period's tickets (streets, in a report on one district).
        quotes: Texts of the period's tickets, earliest first; empty for events that will not be listed.
    """

    id: str
    state: str
    facts: EventFacts
    count: int
    before: int
    people: int
    places: int
    quotes: tuple[QuoteSource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How a unit or district did in the period.

    Attributes:
        name: The unit or district.
        dispatched: Tickets dispatched to it in the period.
        returned: Returned by it in the period.
        due: Terms of finishing whose end lay in the period and that were met or are over.
        on_time: Of these, met in time.
        received: Tickets of the period that are with it now.
        closed: Of these, closed.
        responded_of: Cases in which somebody said whether it had made contact.
        responded: Of these, it had.
        solved_of: Likewise, whether it is solved.
        solved: Of these, it is.
        satisfied_of: Cases that were rated.
        satisfied: Of these, 满意 or 基本满意.
    """

    name: str
    dispatched: int = 0
    returned: int = 0
    due: int = 0
    on_time: int = 0
    received: int = 0
    closed: int = 0
    responded_of: int = 0
    responded: int = 0
    solved_of: int = 0
    solved: int = 0
    satisfied_of: int = 0
    satisfied: int = 0


KINDS_OF_WORK = tuple(name for name in Work.__slots__ if name != "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What is known of the handling; only a store knows it.

    Attributes:
        units: By unit.
        districts: By district.
        items: (kind of `KINDS_OF_WORK`, unit, district, id of the appeal), for the trace.
        escalations: Newest first, the first of them.
        escalations_total: All of them.
        open: Red and orange tickets not closed, oldest first, the first of them.
        open_total: All of them.
        unacknowledged: Warnings nobody has taken note of.
        overdue: Longest overdue first, the first of them.
        overdue_units: Unit → tickets with an overdue term, all of them.
        overdue_items: (unit, id of the appeal), for the trace; a ticket stands once.
    """

    units: Sequence[Work] = ()
    districts: Sequence[Work] = ()
    items: Sequence[tuple[str, str, str, str]] = ()
    escalations: Sequence[EscalationRow] = ()
    escalations_total: int = 0
    open: Sequence[RiskRow] = ()
    open_total: int = 0
    unacknowledged: int = 0
    overdue: Sequence[OverdueRow] = ()
    overdue_units: Mapping[str, int] = field(default_factory=dict)
    overdue_items: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything a report is made of.

    Attributes:
        source: ``store`` or ``file``.
        tables: A table of counts for each of `GROUPINGS`.
        first_day: First day of the records; None where there are none.
        daily: Tickets per day, also of days before the period, for the chart; days without any may be missing.
        tickets: Tickets of the period, in the order of time; at most `MOST_TRACED`.
        others: Tickets of other periods that figures of the handling counted.
        appellants: Distinct known appellants of the period; None where none is known.
        events: Events of at least two tickets with one in the period; the hottest of them.
        events_total: All of them.
        frequent: High-frequency events with a ticket in the period.
        risk_new: Red and orange tickets of the period, reddest and newest first, the first of them.
        themes: Of the period; None where they could not be told.
        bursts: Likewise.
        handling: None from a file.
        remarks: Code of a remark → tickets concerned: ``no_time``, ``rejected``, ``outside``, ``supplements``, ``erased``,
            ``no_words``.
    """

    source: str
    tables: Tables
    first_day: date | None
    daily: Mapping[date, int]
    tickets: Sequence[Traced]
    others: Sequence[Ticket] = ()
    appellants: int | None = None
    events: Sequence[EventMaterial] = ()
    events_total: int = 0
    frequent: Sequence[EventMaterial] = ()
    risk_new: Sequence[RiskRow] = ()
    themes: Themes | None = None
    bursts: Bursts | None = None
    handling: Handling | None = None
    remarks: Mapping[str, int] = field(default_factory=dict)

    def table(self, name: str) -> Mapping[Key, Counts]:
        """Return a table of counts; empty where nothing was counted."""
        return self.tables.get(name, {})

    @property
    def total(self) -> Counts:
        """All tickets."""
        return self.table("total").get((), NONE)
