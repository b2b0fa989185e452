"""When checked decisions say that automatic dispatch is no longer what it was promised to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.abstention import lower_bound

WINDOW = 500
"""Checked decisions that count, the latest ones."""

MARGIN = 0.02
"""How far the lower bound may lie under the target: at 500 decisions of exactly the target, about one standard error and
a half below it."""

PROOF = 0.999
"""Certainty with which few decisions must show that the precision is under the floor; they are looked at again and again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Checked decisions of one kind.

    Attributes:
        name: Which kind, see `triage.casework.dispatching.checks`.
        n: How many, at most `WINDOW`.
        agreed: How many of them people left or chose as proposed.
    """

    name: str
    n: int
    agreed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a series says.

    Attributes:
        series: The series.
        precision: Share of agreement, 0 … 1; None without any decision.
        low: Lower bound of the precision, 95 % one-sided (Clopper & Pearson 1934); 0 without any decision.
        holds: Whether automatic dispatch may go on.
    """

    series: Series
    precision: float | None
    low: float
    holds: bool


def judge(series: Series, *, target: float) -> Judgement:
    """Judge a series against the target less `MARGIN`.

    A full window is judged by its lower bound. The bound of a few decisions is low however good they are, so an
    incomplete window does not hold in two cases only: the errors it has already are too many for 500 even if every further
    decision were right, or its *upper* bound (`PROOF`) is under the floor, as after three errors and nothing else.

    Args:
        series: Checked decisions.
        target: Precision to reach, 0.5 … 0.999.
    """
    floor, errors = target - MARGIN, series.n - series.agreed
    missing = max(0, WINDOW - series.n)
    possible = lower_bound(series.agreed + missing, series.n + missing)
    highest = 1.0 - lower_bound(errors, series.n, confidence=PROOF)
    return Judgement(
        series=series,
        precision=series.agreed / series.n if series.n else None,
        low=lower_bound(series.agreed, series.n),
        holds=possible >= floor and highest >= floor,
    )


def first_failing(judgements: Sequence[Judgement]) -> Judgement | None:
    """Return the first judgement that does not hold."""
    return next((found for found in judgements if not found.holds), None)
