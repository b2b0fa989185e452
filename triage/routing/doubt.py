"""What makes a first candidate doubtful: the features of the confidence model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from triage.routing.contenders import Choice, Surroundings

Floats = NDArray[np.float32]

DOUBTS: Mapping[str, str] = {
    "log_odds": "log odds of the first candidate's probability",
    "lead": "log of its probability over the second one's",
    "entropy": "entropy of all candidates' probabilities, in nats",
    "score": "its log odds by the trees that compare the contenders",
    "margin": "one-against-rest margin of the first candidate",
    "margin_lead": "that margin over the best other margin",
    "centroid": "cosine to the mean of the first candidate's own tickets",
    "prior": "log share of the first candidate in the tickets",
    "length": "log(1 + characters)",
    "unit_named": "the text holds the first candidate's name",
    "function_margin": "one-against-rest margin of its function",
    "function_lead": "that margin over the best other function's",
}
"""Every feature a confidence model may use, with its meaning."""

_TINY = 1e-6
_NO_RIVAL = -2.0


def doubt_names(ranker: Sequence[str], heads: Sequence[str], *, trees: bool) -> tuple[str, ...]:
    """Name the features that can be computed with these ranker features and heads."""
    left_out = {name for name in _OF_RANKER if name not in ranker}
    if "function" not in heads:
        left_out |= {"function_margin", "function_lead"}
    return tuple(name for name in DOUBTS if name not in left_out and (trees or name != "score"))


def doubt_features(
    choice: Choice, features: Floats, ranker: Sequence[str], around: Surroundings, names: Sequence[str]
) -> Floats:
    """Return float32[n, len(names)].

    Args:
        choice: Over n texts.
        features: float32[n, units, len(ranker)].
        ranker: The ranker's features.
        around: Of the same texts.
        names: Features wanted, keys of `DOUBTS`.
    """
    probabilities = choice.probabilities
    rows = np.arange(len(probabilities))
    first = probabilities.argmax(axis=1)
    best = probabilities[rows, first]
    others = probabilities.copy()
    others[rows, first] = 0.0
    found = {
        "log_odds": np.log((best + _TINY) / (1.0 - best + _TINY)),
        "lead": np.log((best + _TINY) / (others.max(axis=1) + _TINY)),
        "entropy": -(probabilities * np.log(probabilities + _TINY)).sum(axis=1),
        "score": choice.scores,
        "length": around.lengths,
    }
    found |= {name: features[rows, first, list(ranker).index(name)] for name in _OF_RANKER if name in ranker}
    everyone = np.arange(probabilities.shape[1])
    found["margin"], found["margin_lead"] = _own_and_lead(around.margins["unit"], first, everyone)
    if "function" in around.margins:
        own, lead = _own_and_lead(around.margins["function"], first, around.groups["function"])
        found |= {"function_margin": own, "function_lead": lead}
    return np.stack([found[name] for name in names], axis=1).astype(np.float32)


_OF_RANKER = ("centroid", "prior", "unit_named")


def _own_and_lead(
    margins: Floats, first: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the margin of each row's first unit and its lead over the best unit of another group."""
    own = margins[np.arange(len(margins)), first]
    rivals = np.where(groups[None, :] == groups[first][:, None], -np.inf, margins).max(axis=1)
    return own, own - np.where(np.isfinite(rivals), rivals, _NO_RIVAL)
