"""What an event is, told from its appeals: title, keywords, area, unit, times, people, growth, risk, high frequency.

One pure function serves the store, reports from a file and the console, so that they never disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from triage.events.keywords import event_keywords
from triage.events.titles import TitleSource, event_title
from triage.events.words import WordCutter

LOCAL = ZoneInfo("Asia/Shanghai")
"""Days are natural days of the city."""

FREQUENT_APPEALS = 3
FREQUENT_DAYS = 3
"""An event is of high frequency (多频) with at least three distinct tickets within any three consecutive natural days."""

SHORT_DAYS, LONG_DAYS = 3, 7
"""The two stretches whose growth is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMember:
    """One appeal of an event, masked.

    Attributes:
        id: Unique within the event.
        received_at: With a time zone.
        title: Masked subject line; may be empty.
        content_masked: Masked text.
        district: 区县; empty when unknown.
        street: 街镇; empty when unknown.
        place: The estate, road or organisation where it happens, where something recognised one; may be empty.
        unit: Who handles it, or who is proposed; empty when unknown.
        l1: First-level category; may be empty.
        l2: Second-level category; may be empty.
        risk_level: 0 to 4.
        appellant: An opaque key of the person, only compared; None when unknown.
        ticket: Whether it is a ticket of its own; what only adds to another one (补充) makes no high frequency.
    """

    id: str
    received_at: datetime
    title: str = ""
    content_masked: str = ""
    district: str = ""
    street: str = ""
    place: str = ""
    unit: str = ""
    l1: str = ""
    l2: str = ""
    risk_level: int = 0
    appellant: str | None = None
    ticket: bool = True

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError(
                f"event member {self.id}: received_at has no time zone; use e.g. ZoneInfo('Asia/Shanghai')"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """How many appeals the last days brought, against as many days before them.

    Attributes:
        until: The last day counted.
        last_3: Appeals of the three days that end with it.
        before_3: Appeals of the three days before those.
        last_7: Appeals of the seven days that end with it.
        before_7: Appeals of the seven days before those.
    """

    until: date
    last_3: int
    before_3: int
    last_7: int
    before_7: int

    @property
    def rate_3(self) -> float | None:
        """Change over three days as a share, 1.0 is a doubling; None where there was nothing before."""
        return _rate(self.last_3, self.before_3)

    @property
    def rate_7(self) -> float | None:
        """Change over seven days as a share; None where there was nothing before."""
        return _rate(self.last_7, self.before_7)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFacts:
    """What an event is.

    Attributes:
        title: Place and matter, at most 20 characters, cut out of the masked texts; never empty.
        keywords: The words that tell it from others, most telling first, at most eight.
        district: The district of most appeals; empty when none is known.
        street: The street of most appeals of that district; empty when none is known.
        unit: The unit of most appeals; empty when none is known.
        l1: First-level category of most appeals.
        l2: Second-level category of most appeals within it.
        first_at: When the first appeal was received.
        last_at: When the last one was received.
        size: Distinct appeals, at least 1.
        appellants: Distinct people; an appeal of an unknown person counts as one person.
        daily: Appeals of each natural day that had any, in the order of days.
        growth: Of the last days.
        risk_level: The highest of its appeals, 0 to 4.
        high_frequency: Every day on which the last three natural days held at least three appeals, in order.
    """

    title: str
    keywords: tuple[str, ...]
    district: str
    street: str
    unit: str
    l1: str
    l2: str
    first_at: datetime
    last_at: datetime
    size: int
    appellants: int
    daily: Mapping[date, int]
    growth: Growth
    risk_level: int
    high_frequency: tuple[date, ...]

    @property
    def frequent_since(self) -> date | None:
        """The day on which it became one of high frequency; None if it never was."""
        return self.high_frequency[0] if self.high_frequency else None


def event_facts(
    members: Sequence[EventMember], *, until: date | None = None, cutter: WordCutter | None = None
) -> EventFacts:
    """Tell what an event is; the order of its members does not matter.

    Args:
        members: At least one; a repeated id counts once.
        until: The day that growth is told for; None: the day of the last appeal.
        cutter: Cuts the keywords; None: one that all such calls share.

    Raises:
        ValueError: Without members.
    """
    ordered = _distinct(members)
    if not ordered:
        raise ValueError("an event has at least one appeal")
    daily = count_days(member.received_at for member in ordered)
    district = commonest(member.district for member in ordered)
    l1 = commonest(member.l1 for member in ordered)
    sources = [title_source(member) for member in ordered]
    cut = cutter or _shared_cutter()
    return EventFacts(
        title=event_title(sources, cutter=cut),
        keywords=event_keywords(sources, cutter=cut),
        district=district,
        street=commonest(member.street for member in ordered if member.district == district),
        unit=commonest(member.unit for member in ordered),
        l1=l1,
        l2=commonest(member.l2 for member in ordered if member.l1 == l1),
        first_at=ordered[0].received_at,
        last_at=ordered[-1].received_at,
        size=len(ordered),
        appellants=count_appellants(member.appellant for member in ordered),
        daily=daily,
        growth=growth_until(daily, until or max(daily)),
        risk_level=max(member.risk_level for member in ordered),
        high_frequency=frequent_days(count_days(member.received_at for member in ordered if member.ticket)),
    )


def title_source(member: EventMember) -> TitleSource:
    """Return what of an appeal its event's title and keywords are made of."""
    return TitleSource(
        title=member.title,
        content=member.content_masked,
        place=member.place,
        district=member.district,
        street=member.street,
        l2=member.l2,
    )


def local_day(moment: datetime) -> date:
    """Return the natural day of the city that a moment belongs to."""
    return moment.astimezone(LOCAL).date()


def count_days(moments: Iterable[datetime]) -> dict[date, int]:
    """Count moments by natural day, in the order of days; days without any are left out."""
    return dict(sorted(Counter(local_day(moment) for moment in moments).items()))


def frequent_days(daily: Mapping[date, int]) -> tuple[date, ...]:
    """Return every day on which an event is of high frequency: it and the two days before it hold three appeals or more.

    Only days that had an appeal, or follow one, are looked at; the first one returned is the day the mark began.
    """
    near = {day + timedelta(days=k) for day in daily for k in range(FREQUENT_DAYS)}
    return tuple(sorted(day for day in near if _within(daily, day, FREQUENT_DAYS) >= FREQUENT_APPEALS))


def growth_until(daily: Mapping[date, int], until: date) -> Growth:
    """Tell the growth for the days that end with ``until``; later days are not counted."""
    return Growth(
        until=until,
        last_3=_within(daily, until, SHORT_DAYS),
        before_3=_within(daily, until - timedelta(days=SHORT_DAYS), SHORT_DAYS),
        last_7=_within(daily, until, LONG_DAYS),
        before_7=_within(daily, until - timedelta(days=LONG_DAYS), LONG_DAYS),
    )


def count_appellants(keys: Iterable[str | None]) -> int:
    """Count people; each unknown one counts, as in the head count of warnings."""
    listed = list(keys)
    return len({key for key in listed if key is not None}) + sum(key is None for key in listed)


def commonest(values: Iterable[str]) -> str:
    """Return the most frequent value that is not empty, the earlier one of equals; empty when there is none."""
    counts = Counter(value for value in values if value)
    return max(counts, key=counts.__getitem__) if counts else ""


@lru_cache(maxsize=1)
def _shared_cutter() -> WordCutter:
    return WordCutter()


def _distinct(members: Sequence[EventMember]) -> list[EventMember]:
    found: dict[str, EventMember] = {}
    for member in sorted(members, key=lambda m: (m.received_at, m.id)):
        found.setdefault(member.id, member)
    return list(found.values())


def _within(daily: Mapping[date, int], last: date, days: int) -> int:
    return sum(daily.get(last - timedelta(days=k), 0) for k in range(days))


def _rate(now: int, before: int) -> float | None:
    return (now - before) / before if before else None
