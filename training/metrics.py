"""Figures that say how good predictions are; plain numbers in, plain numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.abstention import coverage_at
from models.calibration import expected_calibration_error
from models.ordinal import quadratic_kappa

REVIEW_SHARE = 0.12
"""Share of appeals a duty officer can look at: recall of risk ≥ 3 is reported there."""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Precision, recall and F1 of one class, each 0 … 1, and how often it is right (support) and predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingFigures:
    """Figures of a ranked choice.

    Attributes:
        n: Appeals judged.
        top1: Share whose first candidate is right; with its 95 % interval.
        top1_interval: Lower and upper bound (Wilson 1927).
        top3: Share with the right answer among the first three.
        top5: … among the first five.
        macro_f1: Mean F1 over the classes that occur in truth or prediction.
        coverage95: Largest share that could be routed at 95 % precision, threshold chosen in hindsight.
        coverage90: … at 90 %.
        calibration_error: Expected calibration error of the first candidate's probability.
        classes: Per class, most frequent first.
    """

    n: int
    top1: float
    top1_interval: tuple[float, float]
    top3: float
    top5: float
    macro_f1: float
    coverage95: float
    coverage90: float
    calibration_error: float
    classes: tuple[ClassFigures, ...]

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form, rounded."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskFigures:
    """Figures of the risk decision.

    Attributes:
        n: Appeals judged.
        serious: How many of them are level 3 or 4.
        average_precision: Of the score for level ≥ 3.
        recall_at_review: Share of the serious ones found when the riskiest `REVIEW_SHARE` are looked at.
        kappa: Quadratic kappa of the level.
        calibration_error: Of P(level ≥ 3).
    """

    n: int
    serious: int
    average_precision: float
    recall_at_review: float
    kappa: float
    calibration_error: float

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form, rounded."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


def ranking_figures(
    ranked: Sequence[Sequence[str]], confidence: Sequence[float], truth: Sequence[str]
) -> RankingFigures:
    """Judge ranked candidates.

    Args:
        ranked: Per appeal the candidates, best first.
        confidence: Per appeal the probability of the first one.
        truth: Per appeal the right answer.
    """
    first = [candidates[0] if candidates else "" for candidates in ranked]
    correct = np.array([a == b for a, b in zip(first, truth, strict=True)])
    sure = np.asarray(confidence, dtype=np.float64)
    classes = class_figures(first, truth)
    return RankingFigures(
        n=len(truth),
        top1=float(correct.mean()),
        top1_interval=wilson(int(correct.sum()), len(correct)),
        top3=_within(ranked, truth, 3),
        top5=_within(ranked, truth, 5),
        macro_f1=float(np.mean([figures.f1 for figures in classes])),
        coverage95=coverage_at(sure, correct, 0.95),
        coverage90=coverage_at(sure, correct, 0.90),
        calibration_error=expected_calibration_error(sure, correct),
        classes=classes,
    )


def risk_figures(score: NDArray[np.floating], level: NDArray[np.integer], truth: NDArray[np.integer]) -> RiskFigures:
    """Judge the risk decision.

    Args:
        score: float[n], P(level ≥ 3).
        level: int[n], predicted level 0 … 4.
        truth: int[n], annotated level.
    """
    serious = truth >= 3
    return RiskFigures(
        n=len(truth),
        serious=int(serious.sum()),
        average_precision=average_precision(score, serious),
        recall_at_review=recall_at(score, serious, REVIEW_SHARE),
        kappa=quadratic_kappa(truth, level),
        calibration_error=expected_calibration_error(score, serious),
    )


def class_figures(predicted: Sequence[str], truth: Sequence[str]) -> tuple[ClassFigures, ...]:
    """Return the figures of every class that occurs, most frequent first."""
    names = sorted({*predicted, *truth} - {""})
    figures = []
    for name in names:
        hits = sum(1 for a, b in zip(predicted, truth, strict=True) if a == b == name)
        said, right = sum(1 for a in predicted if a == name), sum(1 for b in truth if b == name)
        precision, recall = hits / said if said else 0.0, hits / right if right else 0.0
        f1 = 2 * hits / (said + right)
        figures.append(ClassFigures(name, precision, recall, f1, right, said))
    return tuple(sorted(figures, key=lambda figure: (-figure.support, figure.name)))


def average_precision(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Return the mean precision at each true item's rank (Manning et al. 2008); ties keep their order of input."""
    if not truth.any():
        return 0.0
    ranked = truth[np.argsort(-score, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def recall_at(score: NDArray[np.floating], truth: NDArray[np.bool_], share: float) -> float:
    """Return the share of true items among the best-scored ``share`` of all items."""
    looked_at = np.argsort(-score, kind="stable")[: round(len(score) * share)]
    return float(truth[looked_at].sum() / truth.sum()) if truth.any() else 0.0


def micro_f1(predicted: Sequence[frozenset[str]], truth: Sequence[frozenset[str]]) -> float:
    """Return F1 over all (appeal, label) pairs."""
    hits = sum(len(a & b) for a, b in zip(predicted, truth, strict=True))
    total = sum(len(a) + len(b) for a, b in zip(predicted, truth, strict=True))
    return 2 * hits / total if total else 1.0


def wilson(hits: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(middle - half), float(middle + half)


def _within(ranked: Sequence[Sequence[str]], truth: Sequence[str], k: int) -> float:
    return float(np.mean([answer in candidates[:k] for candidates, answer in zip(ranked, truth, strict=True)]))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
