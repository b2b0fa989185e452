"""What makes a first candidate doubtful: the features of the confidence model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.linear import Scores

Floats = NDArray[np.float32]

DOUBTS: Mapping[str, str] = {
    "log_odds": "log odds of the first candidate's probability",
    "lead": "log of its probability over the second one's",
    "entropy": "entropy of all candidates' probabilities, in nats",
    "margin": "one-against-rest margin of the first candidate",
    "margin_lead": "that margin over the best other margin",
    "centroid": "cosine to the mean of the first candidate's own tickets",
    "function_margin": "one-against-rest margin of its function",
    "function_lead": "that margin over the best other function's",
}
"""Every feature a confidence model may use, with its meaning."""

WITHOUT_FUNCTION = tuple(name for name in DOUBTS if not name.startswith("function"))
_TINY = 1e-6
_ABSENT = -2.0


def doubt_features(
    probabilities: Floats,
    margins: Mapping[str, Scores],
    columns: Mapping[str, NDArray[np.int64]],
    names: tuple[str, ...],
) -> Floats:
    """Return float32[n, len(names)].

    Args:
        probabilities: float32[n, units] of the ranker.
        margins: Head → float32[n, classes] of the local model.
        columns: Head → int64[units], the class of each unit, −1 for none.
        names: Features wanted, keys of `DOUBTS`.
    """
    rows = np.arange(len(probabilities))
    first = probabilities.argmax(axis=1)
    best = probabilities[rows, first]
    others = probabilities.copy()
    others[rows, first] = 0.0
    found = {
        "log_odds": np.log((best + _TINY) / (1.0 - best + _TINY)),
        "lead": np.log((best + _TINY) / (others.max(axis=1) + _TINY)),
        "entropy": -(probabilities * np.log(probabilities + _TINY)).sum(axis=1),
    }
    for head, name in (("unit", ""), ("function", "function_")):
        if head in columns and head in margins:
            own, lead = _own_and_lead(margins[head], columns[head][first])
            found |= {f"{name}margin": own, f"{name}lead" if name else "margin_lead": lead}
    found["centroid"] = _own_and_lead(margins["centroid"], columns["centroid"][first], missing=0.0)[0]
    return np.stack([found[name] for name in names], axis=1).astype(np.float32)


def _own_and_lead(
    margins: Scores, column: NDArray[np.int64], *, missing: float = _ABSENT
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the margin of each row's class and its lead over the best other class."""
    rows = np.arange(len(margins))
    own = np.where(column >= 0, margins[rows, column], missing)
    others = margins.copy()
    others[rows[column >= 0], column[column >= 0]] = -np.inf
    return own, own - others.max(axis=1)
