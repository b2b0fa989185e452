"""What emerges: matters that are reported beyond chance, from where, and since when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import sqrt

from triage.trends.excess import Excess, find_excesses
from triage.trends.heat import heat
from triage.trends.kleinberg import FACTOR, burst_stretches
from triage.trends.members import MOST_RISK, commonest, in_order, places_of
from triage.trends.naming import LEAST_PEOPLE, LONGEST, companions, theme_name
from triage.trends.results import Burst, Bursts
from triage.trends.rows import Days, Span, TrendCell, TrendCounts, TrendRow, span_of
from triage.trends.seasons import Seasons
from triage.trends.series import LEAST, Matter, history_of, nodes_of, place_of, series_table

FDR = 0.05
_SAME = 0.3
_LEAST_SHARED = 2
_HALF = 0.5
_ONE_CATEGORY = 0.66
_BURSTING, _KEYWORDS = 4, 6
_MOST_FACTOR = 10.0


@dataclass(slots=True)
class _Draft:
    """A burst that still takes up others which are about the same appeals."""

    lead: Excess
    rows: dict[str, TrendRow]
    expected: float
    words: list[str] = field(default_factory=list)

    def take(self, rows: Mapping[str, TrendRow], expected: float, words: Sequence[str]) -> None:
        """Add the appeals of the lead's place, what was to be expected of them, and the words."""
        fresh = {id_: row for id_, row in rows.items() if self.lead.node in nodes_of(row.district, row.street)}
        self.expected += expected * len(fresh.keys() - self.rows.keys()) / max(1, len(rows))
        self.rows.update(fresh)
        self.words += [word for word in words if word not in self.words]


def bursts(
    rows: Iterable[TrendRow],
    *,
    span: Days,
    history: TrendCounts,
    words: TrendCounts | None = None,
    unlisted_words: int = 0,
    titles: Mapping[str, str] | None = None,
    fdr: float = FDR,
    most: int = 20,
) -> Bursts:
    """Find what emerges in a period.

    A matter (a category of the second level, or a keyword) from a place (city, district, street) emerges if its count is
    beyond chance, held against its share of all appeals in the half year before. Counts are taken to be negative binomial,
    as scattered as the history shows; the test is exact given the sum of both times (`triage.trends.chance`), and the false
    discovery rate is controlled among categories and among keywords, of all places (Benjamini and Hochberg).
    Of the places of one matter the one with the highest likelihood ratio is reported, others only where they hold more than
    that. Bursts about the same appeals are put together. Kleinberg's two states then say since when.

    Args:
        rows: Appeals of the period, in any order; others are ignored.
        span: The period.
        history: Counts of other days, normally of those before the period; the half year before it is used, and a year and
            six weeks allow seasons to be told. Days after the period may be given too when a past one is looked at.
        words: Counts for keywords where those come from elsewhere, such as a random sample of all appeals with the
            categories of that sample; None: ``history``.
        unlisted_words: Keywords of at least three appeals that the history held and ``words`` leaves out because the period
            has none of them. They were looked at too, and leaving them out of the reckoning would let false ones through.
        titles: Titles of events by id; a burst that is one event for the most part is named after it.
        fdr: Share of false ones accepted among those found, above 0 and below 1.
        most: At most so many are returned.

    Raises:
        ValueError: The rate is none.
    """
    if not 0.0 < fdr < 1.0:
        raise ValueError("the false discovery rate lies between 0 and 1")
    period = span_of(span)
    current = in_order(row for row in rows if period.contains(row.day))
    now = TrendCounts.of(current)
    before = history_of(history, period)
    before_words = before if words is None else history_of(words, period)
    categories = find_excesses(series_table(now, before, period, words=False), fdr=fdr)
    keywords = find_excesses(series_table(now, before_words, period, words=True), fdr=fdr, unlisted=unlisted_words)
    strongest = sorted((*categories.excesses, *keywords.excesses), key=_strength)
    drafts = _together(strongest, current)[:most]
    leads = {draft.lead.matter for draft in drafts}
    teller = _Teller(
        period,
        current,
        titles or {},
        Seasons(history, period),
        categories=_DayCounts((now, before), leads),
        words=_DayCounts((now, before_words), leads),
    )
    days = {cell.day for cell in before.cells}
    return Bursts(
        span=period,
        items=tuple(teller.burst(draft) for draft in drafts),
        fdr=fdr,
        tested=categories.tested + keywords.tested,
        history_days=(max(days) - min(days)).days + 1 if days else 0,
        method=_method(fdr),
        notes=_notes(days, period),
    )


def _strength(one: Excess) -> tuple[float, str, str, tuple[str, str]]:
    return (-one.ratio, one.matter.keyword, one.matter.l2, one.node)


def _together(strongest: Sequence[Excess], current: Sequence[TrendRow]) -> list[_Draft]:
    """Put excesses about the same appeals together, the strongest in the lead."""
    holds = _appeals_of({(one.matter.l2, one.matter.keyword) for one in strongest}, current)
    drafts: list[_Draft] = []
    for one in strongest:
        rows = {
            row.id: row
            for row in holds[one.matter.l2, one.matter.keyword]
            if one.node in nodes_of(row.district, row.street)
        }
        if one.matter.is_word:
            _take_word(drafts, one, rows)
        elif _is_one_matter(rows.values(), one) and not _is_explained(drafts, one, rows):
            drafts.append(_Draft(lead=one, rows=rows, expected=one.expected))
    return _joined(drafts)


def _joined(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Join drafts that have grown together: 滞留 shares little with 通航, and much with 港口, which has joined that."""
    kept: list[_Draft] = []
    for draft in drafts:
        same = next((other for other in kept if _share_words(other, draft.lead, draft.rows)), None)
        if same is None:
            kept.append(draft)
        else:
            same.take(draft.rows, draft.expected, draft.words)
    return kept


def _take_word(drafts: list[_Draft], one: Excess, rows: Mapping[str, TrendRow]) -> None:
    """Let a word join the first draft that is about its appeals, or begin one.

    Calls are short, and one matter has several words (停航, 滞留, 通航): two words are one matter if they share three in ten of
    the rarer one's appeals. A category takes a word in if it makes up half of what the category has too many.
    """
    for draft in drafts:
        if _share_words(draft, one, rows):
            draft.take(rows, one.expected, [one.matter.keyword])
            return
        if not draft.lead.matter.is_word and len(draft.rows.keys() & rows.keys()) >= _half_excess(draft.lead):
            draft.words.append(one.matter.keyword)
            return
    if _is_one_matter(rows.values(), one):
        drafts.append(_Draft(lead=one, rows=dict(rows), expected=one.expected, words=[one.matter.keyword]))


def _share_words(draft: _Draft, one: Excess, rows: Mapping[str, TrendRow]) -> bool:
    if not (draft.lead.matter.is_word and one.matter.is_word):
        return False
    shared = len(draft.rows.keys() & rows.keys())
    return shared >= max(_LEAST_SHARED, _SAME * min(len(draft.rows), len(rows)))


def _half_excess(category: Excess) -> float:
    return max(LEAST, _HALF * (category.count - category.expected))


def _is_explained(drafts: Sequence[_Draft], one: Excess, rows: Mapping[str, TrendRow]) -> bool:
    """Return whether half of what a category has too many is told by words already."""
    told = {id_ for draft in drafts for id_ in draft.rows}
    return len(rows.keys() & told) >= _half_excess(one)


def _is_one_matter(rows: Collection[TrendRow], one: Excess) -> bool:
    """Return whether enough people report something that belongs together.

    Words turn up by chance in unlike appeals: 安装 in one about noise, one about a car park and one about a fence. Appeals
    belong together if most are of one category, or half of one event; and three people who tell of three different events
    are too few.
    """
    people = len({row.who for row in rows})
    events = Counter(row.event or row.id for row in rows)
    if people < LEAST_PEOPLE or (people == LEAST_PEOPLE and len(events) >= people):
        return False
    if not one.matter.is_word:
        return True
    category = max(Counter(row.l2 for row in rows).values())
    return category >= _ONE_CATEGORY * len(rows) or 2 * max(events.values()) >= len(rows)


def _appeals_of(matters: set[tuple[str, str]], current: Sequence[TrendRow]) -> dict[tuple[str, str], list[TrendRow]]:
    holds: dict[tuple[str, str], list[TrendRow]] = defaultdict(list)
    for row in current:
        for matter in {(row.l2, ""), *(("", word) for word in row.keywords)} & matters:
            holds[matter].append(row)
    return holds


class _Teller:
    """Turns drafts into bursts."""

    def __init__(
        self,
        period: Span,
        current: Sequence[TrendRow],
        titles: Mapping[str, str],
        seasons: Seasons,
        *,
        categories: _DayCounts,
        words: _DayCounts,
    ) -> None:
        self._period = period
        self._total = len(current)
        self._everywhere = Counter(word for row in current for word in row.keywords)
        self._titles = titles
        self._seasons = seasons
        self._categories, self._words = categories, words

    def burst(self, draft: _Draft) -> Burst:
        lead = draft.lead
        rows = in_order(draft.rows.values())
        l1, l2 = commonest((row.l1, row.l2) for row in rows) or ("", lead.matter.l2)
        if lead.matter.l2:
            l1, l2 = commonest((row.l1, row.l2) for row in rows if row.l2 == lead.matter.l2) or (l1, lead.matter.l2)
        since = self._since(lead)
        people = len({row.who for row in rows})
        risk = max((row.risk_level for row in rows), default=0)
        words = (*draft.words[:_BURSTING], *companions(draft.words, rows, self._everywhere, self._total))
        return Burst(
            name=self._name(words if draft.words else (), rows, l2),
            l1=l1,
            l2=l2,
            keywords=words[:_KEYWORDS],
            place=place_of(lead.node),
            count=len(rows),
            expected=round(draft.expected, 1),
            p=lead.p,
            q=lead.q,
            ratio=round(lead.ratio, 1),
            since=since,
            days=(self._period.end - since).days + 1 if since else 0,
            season=self._seasons.of(l2),
            ids=tuple(row.id for row in rows),
            people=people,
            events=len({row.event or row.id for row in rows}),
            risk_level=min(risk, MOST_RISK),
            heat=heat(
                count=len(rows),
                before=round(draft.expected),
                people=people,
                risk_level=min(risk, MOST_RISK),
                places=places_of(rows),
                total=self._total,
            ),
        )

    def _name(self, words: Sequence[str], rows: Sequence[TrendRow], l2: str) -> str:
        """Name a burst after the event that half of it is, else by its words, else by its category."""
        titled = Counter(row.event for row in rows if row.event in self._titles)
        event = commonest(titled.elements())
        if event is not None and titled[event] >= _HALF * len(rows):
            return self._titles[event][:LONGEST]
        return theme_name(words, [row.keywords for row in rows], category=l2)

    def _since(self, lead: Excess) -> date | None:
        """Return the first day of the burst that reaches into the period.

        In the burst the matter's share is the geometric mean of its usual and its present one, at least twice the usual.
        """
        days = self._words if lead.matter.is_word else self._categories
        relevant = days.of(lead)
        ordered = [day for day in sorted(days.total) if day <= self._period.end]
        earlier = sum(days.total[day] for day in ordered if day < self._period.start)
        usual = min(0.5, max(lead.expected / max(1, self._total), 0.5 / max(1, earlier)))
        factor = sqrt(lead.count / max(1, self._total) / usual)
        stretches = burst_stretches(
            [(relevant[day], days.total[day]) for day in ordered], usual, factor=min(_MOST_FACTOR, max(FACTOR, factor))
        )
        touching = [stretch for stretch in stretches if ordered[stretch.last] >= self._period.start]
        if not touching:
            return None
        strongest = max(touching, key=lambda stretch: (stretch.weight, -stretch.first))
        inside = ordered[strongest.first : strongest.last + 1]
        return next((day for day in inside if relevant[day]), None)


class _DayCounts:
    """Counts per day, of everything and of the matters that are asked for; counted once."""

    def __init__(self, sources: Iterable[TrendCounts], matters: set[Matter]) -> None:
        self.total: Counter[date] = Counter()
        self._cells: dict[Matter, list[TrendCell]] = defaultdict(list)
        for source in sources:
            for cell in source.cells:
                if not cell.keyword:
                    self.total[cell.day] += cell.count
                matter = Matter(cell.l2, cell.keyword)
                if matter in matters:
                    self._cells[matter].append(cell)

    def of(self, lead: Excess) -> Counter[date]:
        relevant: Counter[date] = Counter()
        for cell in self._cells[lead.matter]:
            if lead.node in nodes_of(cell.district, cell.street):
                relevant[cell.day] += cell.count
        return relevant


def _method(fdr: float) -> str:
    return (
        "以本期之前半年同一事项（二级类别或关键词）、同一区划的占比为基线，按负二项分布作精确条件检验，"
        f"类别与关键词分别以BH法控制错误发现率不高于{fdr:.0%}；起始日期按Kleinberg双状态模型判定；"
        "同一事项只报超出部分所在的最低一级区划。"
    )


def _notes(days: set[date], period: Span) -> tuple[str, ...]:
    if not days:
        return ("没有本期之前的数据，无法判断新出现的问题",)
    reach = (period.start - min(days)).days
    if reach < 4 * period.days:
        return (f"历史数据只有{max(reach, 0)}天，不足四个周期，判断从严",)
    if period.start - min(days) < timedelta(days=90):
        return (f"历史数据只有{reach}天，季节性变化无法排除",)
    return ()
