"""The labels of the base bundle's heads, and how their margins are calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Platt, fit_platt, temperature
from models.linear import Scores
from models.ordinal import OrdinalModel, fit_cuts
from training.corpus import Example
from triage.base_model import CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, SEPARATOR, TYPE

Rows = NDArray[np.int64]
EXCLUSIVE = (FUNCTION, CATEGORY, TYPE)
_PARTS = (1.0, 0.3, 0.15)
"""What the lead function, the second and the third one count as right answers."""

RISK_CLASSES = ["≥1", "≥2", "≥3", "≥4"]


@dataclass(frozen=True, slots=True)
class Labels:
    """All labels of all examples as arrays.

    Attributes:
        classes: Head → class names.
        columns: Exclusive head → int64[n], −1 where the example has no such label.
        yes_no: RISK, FACTORS, EMERGENCY → bool[n, c].
        known: Head → bool[n], whether the example has this label.
        risk: int64[n], −1 where unknown.
        shared: float64[n, functions], 1 for the lead function, less for those that could act too.
        topics: First-level categories.
        topic_of_category: int64[categories], the first level of each.
    """

    classes: dict[str, list[str]]
    columns: dict[str, Rows]
    yes_no: dict[str, NDArray[np.bool_]]
    known: dict[str, NDArray[np.bool_]]
    risk: Rows
    shared: NDArray[np.float64]
    topics: list[str]
    topic_of_category: Rows


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns margins into probabilities and decisions.

    Attributes:
        temperatures: Exclusive head → temperature.
        ordinal: Risk.
        factors: Factor margins → probabilities.
        factor_thresholds: float32[14].
        emergency: Emergency margin → probability.
    """

    temperatures: dict[str, float]
    ordinal: OrdinalModel
    factors: Platt
    factor_thresholds: NDArray[np.float32]
    emergency: Platt


def make_labels(examples: Sequence[Example]) -> Labels:
    """Collect the labels."""
    names = {
        FUNCTION: [example.function for example in examples],
        CATEGORY: [f"{e.l1}{SEPARATOR}{e.l2}" if e.l2 else "" for e in examples],
        TYPE: [example.type for example in examples],
    }
    classes = {head: sorted(set(values) - {""}) for head, values in names.items()}
    columns = {head: _columns(values, classes[head]) for head, values in names.items()}
    classes[RISK] = RISK_CLASSES
    classes[FACTORS] = sorted({factor for example in examples for factor in example.factors})
    classes[EMERGENCY] = ["emergency"]
    risk = np.array([-1 if e.risk is None else e.risk for e in examples])
    factors = np.array([[name in e.factors for name in classes[FACTORS]] for e in examples])
    urgent = np.array([[bool(e.emergency)] for e in examples])
    known = {head: values >= 0 for head, values in columns.items()}
    known |= {RISK: risk >= 0, FACTORS: risk >= 0, EMERGENCY: np.array([e.emergency is not None for e in examples])}
    yes_no = {RISK: risk[:, None] >= np.arange(1, 5)[None, :], FACTORS: factors, EMERGENCY: urgent}
    topics = sorted({name.partition(SEPARATOR)[0] for name in classes[CATEGORY]})
    topic_of = np.array([topics.index(name.partition(SEPARATOR)[0]) for name in classes[CATEGORY]])
    return Labels(classes, columns, yes_no, known, risk, _shared(examples, classes[FUNCTION]), topics, topic_of)


def _shared(examples: Sequence[Example], functions: Sequence[str]) -> NDArray[np.float64]:
    """Say what each function has to do with each example: the second one named is nearly as right as the first."""
    index = {name: i for i, name in enumerate(functions)}
    shared = np.zeros((len(examples), len(functions)))
    for row, example in enumerate(examples):
        for name, part in zip(example.functions or (example.function,), _PARTS, strict=False):
            if name in index:
                shared[row, index[name]] = part
    return shared


def calibrate(margins: Mapping[str, Scores], labels: Labels, rows: Rows) -> Calibration:
    """Fit temperatures, sigmoids, cuts and thresholds.

    Args:
        margins: Head → float32[n, c] from models that have not seen the ``rows``.
        labels: Of all n examples.
        rows: Examples to calibrate on.
    """
    chosen = np.zeros(len(labels.risk), dtype=bool)
    chosen[rows] = True
    pick = {head: np.flatnonzero(chosen & known) for head, known in labels.known.items()}
    temperatures = {
        head: temperature(margins[head][pick[head]], labels.columns[head][pick[head]]) for head in EXCLUSIVE
    }
    platt = {
        head: fit_platt(margins[head][pick[head]], labels.yes_no[head][pick[head]])
        for head in (RISK, FACTORS, EMERGENCY)
    }
    expected = OrdinalModel(platt[RISK], np.zeros(4, np.float32)).at_least(margins[RISK][pick[RISK]]).sum(axis=1)
    ordinal = OrdinalModel(platt[RISK], fit_cuts(expected, labels.risk[pick[RISK]]))
    factors = platt[FACTORS].probabilities(margins[FACTORS][pick[FACTORS]])
    thresholds = _best_thresholds(factors, labels.yes_no[FACTORS][pick[FACTORS]])
    return Calibration(temperatures, ordinal, platt[FACTORS], thresholds, platt[EMERGENCY])


def _columns(values: Sequence[str], classes: Sequence[str]) -> Rows:
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index.get(value, -1) for value in values], dtype=np.int64)


def signs(labels: Labels, head: str, rows: Rows) -> NDArray[np.float64]:
    """Return float64[rows, c] of +1 and −1, the right answers of a ridge regression."""
    if head in labels.yes_no:
        return np.where(labels.yes_no[head][rows], 1.0, -1.0)
    if head == FUNCTION:
        return 2.0 * labels.shared[rows] - 1.0
    signs = np.full((len(rows), len(labels.classes[head])), -1.0)
    signs[np.arange(len(rows)), labels.columns[head][rows]] = 1.0
    return signs


def _best_thresholds(probabilities: Scores, truth: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Choose each factor's threshold for the best F1 within 0.2 … 0.6; rare factors cannot support extremes."""
    grid = np.arange(0.20, 0.61, 0.02)
    best = np.full(truth.shape[1], 0.4, dtype=np.float32)
    for column in range(truth.shape[1]):
        said = probabilities[:, column][None, :] >= grid[:, None]
        hits = (said & truth[:, column][None, :]).sum(axis=1)
        f1 = 2 * hits / np.maximum(said.sum(axis=1) + truth[:, column].sum(), 1)
        best[column] = grid[int(f1.argmax())]
    return best
