"""The rules: what follows from words, levels and dates, beside what the models score. Pure functions."""

from __future__ import annotations

from triage.rules.assisting import assisting_units
from triage.rules.book import CityRules
from triage.rules.color import color
from triage.rules.conduct import complained_about
from triage.rules.danger import Danger, life_danger
from triage.rules.deadlines import Deadline, DeadlineRules
from triage.rules.levels import AdmissionList, Level, handling_level
from triage.rules.route_out import RouteOut, route_out

__all__ = [
    "AdmissionList",
    "CityRules",
    "Danger",
    "Deadline",
    "DeadlineRules",
    "Level",
    "RouteOut",
    "assisting_units",
    "color",
    "complained_about",
    "handling_level",
    "life_danger",
    "route_out",
]
