"""What trends tell: themes, changes, bursts, and where they are concentrated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from triage.trends.heat import Heat
from triage.trends.rows import Span


class PlaceLevel(StrEnum):
    """A level of jurisdiction."""

    CITY = "市"
    DISTRICT = "区县"
    STREET = "街镇"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is concentrated.

    Attributes:
        level: The level of jurisdiction.
        district: Empty for the city.
        street: Empty above the street.
    """

    level: PlaceLevel
    district: str = ""
    street: str = ""

    @property
    def name(self) -> str:
        """Its name with that of its district: ``南汀区柳溪街道``; ``全市`` for the city."""
        return f"{self.district}{self.street}" or "全市"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A count against that of an earlier period.

    Attributes:
        now: Appeals now.
        before: Appeals then.
        rate: Relative change, 1.0 is a doubling; None where there was nothing before.
        p: Two-sided probability of a difference at least as improbable if nothing but chance were at work (counts as
            dispersed as the city's themes are from week to week).
        beyond_chance: Whether it is significant among all themes compared (Benjamini and Hochberg, false discovery rate 5 %).
    """

    now: int
    before: int
    rate: float | None
    p: float
    beyond_chance: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """A place from which more appeals of a theme come than its share of all appeals lets one expect.

    Attributes:
        place: The lowest place that holds the excess.
        count: Appeals of the theme from there.
        expected: As many would come from there if the theme were spread like all other appeals.
        share: Of the theme's appeals with a known place, 0 to 1.
        p: Probability of as many by chance, times the number of places looked at (Bonferroni), at most 1.
    """

    place: Place
    count: int
    expected: float
    share: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """Whether the same time of the year before was high too; told only where the records reach back a year.

    Attributes:
        count: Appeals of the five weeks around the same day a year earlier.
        expected: As many as five weeks of the rest of that year had on average.
        p: Probability of as many by chance.
        seasonal: Whether that season was beyond chance (p ≤ 0.01).
    """

    count: int
    expected: float
    p: float
    seasonal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """A category of the second level with the words that make it particular.

    Attributes:
        name: Readable, at most 20 characters.
        l1: First-level category of most of its appeals.
        l2: Second-level category.
        head: The word that all its appeals have; empty for what is left of a category.
        keywords: The head and the words that go with it, most telling first.
        ids: Its appeals of the period, earliest first.
        people: Distinct people among them.
        week: Against the period before (环比).
        year: Against the same period a year earlier (同比); None where the records do not reach back.
        place: Where it is concentrated; None where it is spread like everything else.
        season: None where the records are shorter than a year and a bit.
        risk_level: The highest of its appeals.
        heat: Heat and its parts.
    """

    name: str
    l1: str
    l2: str
    head: str
    keywords: tuple[str, ...]
    ids: tuple[str, ...]
    people: int
    week: Change | None
    year: Change | None
    place: Concentration | None
    season: Season | None
    risk_level: int
    heat: Heat

    @property
    def count(self) -> int:
        """Appeals of the period."""
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Themes:
    """All themes of a period, largest first.

    Attributes:
        span: The period.
        items: Every appeal of the period is in one theme at the most.
        without: Appeals of the period that belong to no theme.
        total: Appeals of the period.
        notes: What limits the figures, in Chinese, such as a history that is too short.
    """

    span: Span
    items: tuple[Theme, ...]
    without: tuple[str, ...]
    total: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """A matter reported much more often than its own history lets one expect.

    Attributes:
        name: Readable, at most 20 characters.
        l1: First-level category of most of its appeals.
        l2: Second-level category of most of its appeals.
        keywords: Words that burst together, most surprising first; empty where only the category did.
        place: The lowest place that holds the excess.
        count: People who reported it in the period, from that place; the same person once a day.
        expected: As many as its history and the volume of the period let one expect.
        p: Probability of as many by chance.
        q: False discovery rate at which it is reported.
        ratio: Log-likelihood ratio of the excess; the larger, the stronger.
        since: First day of the burst by Kleinberg's two states, perhaps before the period; None where they see none.
        days: Days from ``since`` to the end of the period, 0 where there is none.
        season: Of the category, where the records allow; None otherwise.
        ids: Appeals of the period, earliest first.
        people: Distinct people among them.
        events: Distinct events among them; an appeal without one counts alone.
        risk_level: The highest of its appeals.
        heat: Heat and its parts.
    """

    name: str
    l1: str
    l2: str
    keywords: tuple[str, ...]
    place: Place
    count: int
    expected: float
    p: float
    q: float
    ratio: float
    since: date | None
    days: int
    season: Season | None
    ids: tuple[str, ...]
    people: int
    events: int
    risk_level: int
    heat: Heat


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """What emerges in a period, strongest first.

    Attributes:
        span: The period.
        items: At the false discovery rate asked for.
        fdr: That rate.
        tested: Series that were looked at: matters by place.
        history_days: Days of history that it was held against; 0 where there is none, and then nothing emerges.
        method: How emergence was judged, one sentence in Chinese for the report.
        notes: What limits the result, in Chinese.
    """

    span: Span
    items: tuple[Burst, ...]
    fdr: float
    tested: int
    history_days: int
    method: str
    notes: tuple[str, ...]
