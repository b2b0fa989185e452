"""Chooses thresholds: for each number of wrong warnings a week, those that warn earliest; judged on folds left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from training.early_figures import EarlyFigures, Matter, Stream, judge
from triage.rules.warnings import FREQUENT, GROWTH, REPEAT, Likely, WarningRules

ALONE = (None, 0.4, 0.35, 0.3, 0.25, 0.2, 0.17, 0.14, 0.1, 0.07, 0.05)
"""P(level ≥ 3) from which one message is warned of; None: only where its level is 3."""
TOGETHER = (None, 0.2, 0.15, 0.1, 0.07, 0.05)
"""The same for an event that two people report."""
STEPS = (0.05, 0.1, 0.15, 0.2, 0.3)
"""What it takes that repetition, high frequency and growth raise the level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Thresholds that are tuned.

    Attributes:
        alone: Of `ALONE`.
        together: Of `TOGETHER`.
        steps: Of `STEPS`.
    """

    alone: float | None
    together: float | None
    steps: float

    def rules(self, shipped: WarningRules) -> WarningRules:
        """Put these thresholds into the shipped rules; all else stays."""
        likely = [Likely(people, score) for people, score in ((1, self.alone), (2, self.together)) if score is not None]
        steps = {
            code: replace(step, least_score=self.steps) if code in (REPEAT, FREQUENT, GROWTH) else step
            for code, step in shipped.steps.items()
        }
        return replace(shipped, likely=tuple(likely), steps=steps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One point of the curve.

    Attributes:
        budget: Wrong warnings per week that were allowed where the thresholds were chosen.
        choice: What is best on everything.
        seen: Its figures on everything it was chosen on.
        unseen: Figures of thresholds that were chosen on the other folds, all folds together.
    """

    budget: float
    choice: Choice
    seen: EarlyFigures
    unseen: EarlyFigures


def choices() -> Iterator[Choice]:
    """Return all thresholds that are tried; more people never need more certainty."""
    for alone, together, steps in product(ALONE, TOGETHER, STEPS):
        if alone is None or (together is not None and together < alone):
            yield Choice(alone=alone, together=together, steps=steps)


def curve(stream: Stream, shipped: WarningRules, matters: Sequence[Matter], budgets: Sequence[float]) -> list[Point]:
    """Choose thresholds for each budget.

    Args:
        stream: The stream.
        shipped: Rules whose other thresholds hold.
        matters: What is to be warned of.
        budgets: Wrong warnings per week, as estimated.
    """
    folds = sorted(set(stream.folds.values()))
    by_fold = {
        choice: [judge(stream, choice.rules(shipped), matters, folds=[fold]) for fold in folds] for choice in choices()
    }
    found = []
    for budget in budgets:
        best = _best(by_fold, range(len(folds)), budget)
        left_out = [
            by_fold[_best(by_fold, [k for k in range(len(folds)) if k != held], budget)][held]
            for held in range(len(folds))
        ]
        found.append(Point(budget=budget, choice=best, seen=together(by_fold[best]), unseen=together(left_out)))
    return found


def together(parts: Sequence[EarlyFigures]) -> EarlyFigures:
    """Add up figures of different folds of one stream."""
    return EarlyFigures(
        matters=sum(part.matters for part in parts),
        with_earlier=sum(part.with_earlier for part in parts),
        warned=sum(part.warned for part in parts),
        told=sum(part.told for part in parts),
        leads=tuple(sorted(lead for part in parts for lead in part.leads)),
        right=sum(part.right for part in parts),
        wrong=sum(part.wrong for part in parts),
        unjudged=sum(part.unjudged for part in parts),
        weeks=parts[0].weeks,
    )


def _best(by_fold: dict[Choice, list[EarlyFigures]], folds: Sequence[int], budget: float) -> Choice:
    """Return what warns of most within the budget, with the fewest wrong warnings among equals.

    A part of the folds has that part of the budget: its wrong warnings are a part of those of the whole stream.
    """
    share = len(folds) / len(next(iter(by_fold.values())))

    def worth(choice: Choice) -> tuple[bool, int, float]:
        figures = together([by_fold[choice][fold] for fold in folds])
        wrong = figures.estimated_wrong_per_week
        within = wrong <= budget * share
        return (within, figures.warned, -wrong) if within else (False, 0, -wrong)

    return max(by_fold, key=worth)
