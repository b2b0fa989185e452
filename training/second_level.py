"""The second level of the base bundle: which first-level outputs each head weighs, and how strongly it is held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.linear import Scores
from models.stacked import StackedHeads, gated
from training.base_heads import Labels
from training.linear_fit import Head
from training.signals import APPEAL, ROUTE_SIGNALS, stack_heads
from training.stacking import Fit, fit_shares, fit_sigmoids, fit_softmax
from triage.base_model import CATEGORY, CHANNEL, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE

Rows = NDArray[np.int64]

JUDGE_HEADS = (TYPE, RISK, FACTORS, EMERGENCY)
_JUDGE_C = {TYPE: 0.01, RISK: 0.03, FACTORS: 0.03, EMERGENCY: 0.01}
_ROUTE_C = {FUNCTION: 0.005, CATEGORY: 0.007}
_OWN_WEIGHT = {FUNCTION: 2.0, CATEGORY: 1.5}
"""How much larger a head's own first-level margins are made, so that regularisation holds them back less."""


@dataclass(frozen=True, slots=True)
class RouteFit:
    """A head over raw first-level margins.

    Attributes:
        weights: float64[p, c].
        intercepts: float64[c].
    """

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def margins(self, inputs: Scores) -> Scores:
        """Return float32[n, c] from float32[n, p]."""
        return np.asarray(inputs @ self.weights + self.intercepts, dtype=np.float32)

    def composed(self, heads: Mapping[str, Head], *, landmarks: int) -> Head:
        """Return the one head over n-grams and landmarks that both levels amount to."""
        first = stack_heads(heads, ROUTE_SIGNALS, landmarks=landmarks)
        turn = self.weights.astype(np.float32)
        intercepts = np.asarray(first.intercepts @ self.weights + self.intercepts, dtype=np.float32)
        return Head(first.weights @ turn, intercepts, first.meaning_of(landmarks) @ turn)


def fit_route(inputs: Scores, labels: Labels, rows: Rows, head: str, *, widths: Sequence[int]) -> RouteFit:
    """Fit ``function`` or ``category``.

    Args:
        inputs: float32[n, p], margins of `ROUTE_SIGNALS`, out of fold in the ``rows``.
        labels: Of the n examples.
        rows: To learn from.
        head: Its name.
        widths: Columns of each signal.
    """
    part = inputs[rows].astype(np.float64)
    centre, scale = part.mean(axis=0), part.std(axis=0) + 1e-6
    own = ROUTE_SIGNALS.index(f"{APPEAL}_{head}")
    start = sum(widths[:own])
    scale[start : start + widths[own]] /= _OWN_WEIGHT[head]
    weights, intercepts = fit_shares((part - centre) / scale, _wanted(labels, rows, head), c=_ROUTE_C[head])
    raw = weights / scale[:, None]
    return RouteFit(raw, intercepts - centre @ raw)


def _wanted(labels: Labels, rows: Rows, head: str) -> NDArray[np.float64]:
    """Return float64[rows, c], each row's right classes; those of the function are shared out, the lead first."""
    if head == FUNCTION:
        shared = labels.shared[rows]
        return np.asarray(shared / shared.sum(axis=1, keepdims=True))
    return np.eye(len(labels.classes[head]))[labels.columns[head][rows]]


def fit_judge(inputs: Scores, labels: Labels, rows: Rows, *, names: tuple[str, ...]) -> StackedHeads:
    """Fit type, risk, factors and emergency.

    Args:
        inputs: float32[n, p], out of fold in the ``rows``.
        labels: Of the n examples.
        rows: To learn from; each head takes those that have its label.
        names: Of the inputs.
    """
    part = inputs[rows].astype(np.float64)
    centre, scale = part.mean(axis=0), part.std(axis=0) + 1e-6
    gate = f"{CHANNEL}:{CHANNEL}"
    plain = (inputs.astype(np.float64) - centre) / scale
    standard = np.asarray(gated(plain, inputs[:, [names.index(gate)]]), dtype=np.float64)
    columns, fits, at = {}, [], 0
    for head in JUDGE_HEADS:
        taught = rows[labels.known[head][rows]]
        fit = _fit_judge_head(standard[taught], labels, taught, head)
        columns[head] = slice(at, at + fit[0].shape[1])
        at += fit[0].shape[1]
        fits.append(fit)
    return StackedHeads(
        names,
        centre.astype(np.float32),
        scale.astype(np.float32),
        np.hstack([weights for weights, _ in fits]).astype(np.float32),
        np.concatenate([intercepts for _, intercepts in fits]).astype(np.float32),
        columns,
        gate,
    )


def _fit_judge_head(inputs: NDArray[np.float64], labels: Labels, rows: Rows, head: str) -> Fit:
    if head in labels.columns:
        return fit_softmax(inputs, labels.columns[head][rows], len(labels.classes[head]), c=_JUDGE_C[head])
    return fit_sigmoids(inputs, labels.yes_no[head][rows], c=_JUDGE_C[head])
