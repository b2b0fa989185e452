"""Trends above events: themes, what emerges, where it is concentrated, and how hot it is."""

from triage.trends.bursts import bursts
from triage.trends.heat import Heat, HeatPart, heat
from triage.trends.keywords import KeywordReader
from triage.trends.results import Burst, Bursts, Change, Concentration, Place, PlaceLevel, Season, Theme, Themes
from triage.trends.rows import Days, Span, TrendCell, TrendCounts, TrendRow
from triage.trends.themes import themes

__all__ = [
    "Burst",
    "Bursts",
    "Change",
    "Concentration",
    "Days",
    "Heat",
    "HeatPart",
    "KeywordReader",
    "Place",
    "PlaceLevel",
    "Season",
    "Span",
    "Theme",
    "Themes",
    "TrendCell",
    "TrendCounts",
    "TrendRow",
    "bursts",
    "heat",
    "themes",
]
