"""What a period was about: categories with the words that make them particular, compared and placed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from triage.trends.changes import compare
from triage.trends.concentration import concentration, places_of_all
from triage.trends.heads import Group, group_rows
from triage.trends.heat import heat
from triage.trends.members import MOST_RISK, commonest, in_order, places_of
from triage.trends.naming import theme_name
from triage.trends.results import Change, Theme, Themes
from triage.trends.rows import Days, Span, TrendCounts, TrendRow, span_of
from triage.trends.seasons import Seasons

LEAST_NOW = 2
"""One appeal alone is no theme of a period."""


def themes(
    rows: Iterable[TrendRow],
    *,
    span: Days,
    previous: Days | None = None,
    year_before: Days | None = None,
    earlier: TrendCounts | None = None,
    most: int = 20,
) -> Themes:
    """Tell what the appeals of a period were about.

    A theme is a category of the second level with a word that its appeals share (`triage.trends.heads`). Themes are made
    from all rows given, so that the periods compared are counted by the same themes.

    Args:
        rows: Appeals of the period and of the periods it is compared with, in any order; more weeks make steadier themes.
        span: The period.
        previous: What it is compared with (环比); None: as many days just before.
        year_before: The same time a year ago (同比); None: 52 weeks earlier.
        earlier: Counts of categories over a year and six weeks, for seasons; None: none are told.
        most: At most so many themes are returned; the appeals of others count as being without one.
    """
    period = span_of(span)
    ordered = in_order(rows)
    compared = _Compared(ordered, period, previous, year_before)
    current = [row for row in ordered if period.contains(row.day)]
    groups = [_Counted.of(group, compared) for group in group_rows(ordered) if group.head]
    groups = sorted((one for one in groups if len(one.now) >= LEAST_NOW), key=_size)
    week = compared.changes(groups, "previous")
    year = compared.changes(groups, "year")
    teller = _Teller(current, Seasons(earlier, period) if earlier is not None else None)
    items = tuple(teller.theme(one, week[index], year[index]) for index, one in enumerate(groups[:most]))
    in_themes = {id_ for item in items for id_ in item.ids}
    return Themes(
        span=period,
        items=items,
        without=tuple(row.id for row in current if row.id not in in_themes),
        total=len(current),
        notes=compared.notes(),
    )


class _Teller:
    """Turns groups of appeals into themes."""

    def __init__(self, current: Sequence[TrendRow], seasons: Seasons | None) -> None:
        self._total = len(current)
        self._everything = places_of_all(current)
        self._seasons = seasons

    def theme(self, one: _Counted, week: Change | None, year: Change | None) -> Theme:
        """Tell a theme; where nothing is known of the period before, it has not grown."""
        words = (one.group.head, *one.group.companions)
        return Theme(
            name=theme_name(words, [row.keywords for row in one.now], category=""),
            l1=commonest(row.l1 for row in one.now) or "",
            l2=one.group.l2,
            head=one.group.head,
            keywords=words,
            ids=tuple(row.id for row in one.now),
            people=one.people,
            week=week,
            year=year,
            place=concentration(one.now, self._everything),
            season=self._seasons.of(one.group.l2) if self._seasons else None,
            risk_level=one.risk,
            heat=heat(
                count=len(one.now),
                before=week.before if week else len(one.now),
                people=one.people,
                risk_level=one.risk,
                places=places_of(one.now),
                total=self._total,
            ),
        )


class _Compared:
    """The periods that are compared, and whether the rows cover them."""

    def __init__(self, ordered: Sequence[TrendRow], period: Span, previous: Days | None, year: Days | None) -> None:
        self.period = period
        self.previous = span_of(previous) if previous is not None else period.before()
        self.year = span_of(year) if year is not None else period.year_before()
        first = ordered[0].day if ordered else period.start
        self._covered = {"previous": _reaches(first, self.previous), "year": _reaches(first, self.year)}

    def changes(self, groups: Sequence[_Counted], which: str) -> Sequence[Change | None]:
        if not self._covered[which]:
            return [None] * len(groups)
        span = self.previous if which == "previous" else self.year
        pairs = [(len(one.now), one.previous if which == "previous" else one.year) for one in groups]
        return compare(pairs, days_now=self.period.days, days_before=span.days)

    def notes(self) -> tuple[str, ...]:
        said = {"previous": "没有上期数据，不作环比", "year": "没有上年同期数据，不作同比"}
        return tuple(text for which, text in said.items() if not self._covered[which])


def _reaches(first: date, span: Span) -> bool:
    """Return whether records that begin on a day cover a period; its first days may have been quiet."""
    return first <= span.start + timedelta(days=span.days // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A group with its appeals of the period and its counts of the others."""

    group: Group
    now: tuple[TrendRow, ...]
    previous: int
    year: int
    people: int
    risk: int

    @classmethod
    def of(cls, group: Group, compared: _Compared) -> _Counted:
        now = tuple(row for row in group.rows if compared.period.contains(row.day))
        return cls(
            group=group,
            now=now,
            previous=sum(compared.previous.contains(row.day) for row in group.rows),
            year=sum(compared.year.contains(row.day) for row in group.rows),
            people=len({row.who for row in now}),
            risk=min(MOST_RISK, max((row.risk_level for row in now), default=0)),
        )


def _size(one: _Counted) -> tuple[int, int, str, str]:
    return (-len(one.now), -one.people, one.group.l2, one.group.head)
