"""Gives units that appeared after the training a fair share, by their name, place, function and duties alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.ngrams import NgramVectoriser, fold, occurrences
from triage.directory import Unit
from triage.routing.features import Floats

LIFT = float(np.log(2.0))
"""Log odds added for a newcomer. A list that names a new unit expects it to be used, and nothing in the old tickets can
speak for it. Chosen among 0, log 2 and 1 on ten units hidden from training: `python -m training.zero_shot`."""

USE = 0.02
"""Share of a unit's tickets that hold one given word of its duties."""

MOST_EVIDENCE = 4.0
"""Log odds that one word may add."""

FURTHER = 0.25
"""What a second duty word adds beside the best one."""

_TINY = 1e-6


def with_newcomers(probabilities: Floats, day_one: Floats, new: NDArray[np.bool_]) -> Floats:
    """Return float32[n, u]: the trained router's probabilities with room made for newcomers.

    The newcomers together get the odds that a router without any history gives them, times the doubt that the trained
    router has about its own first candidate: an appeal that old tickets settle stays where it was, one that fits none of
    the old units goes to the new one whose duties name it.

    Args:
        probabilities: Of the trained router.
        day_one: Of a router that knows the list of units only; the same units.
        new: bool[u], units that the trained router has never heard of.
    """
    trained = np.where(new, 0.0, probabilities)
    trained = trained / np.maximum(trained.sum(axis=1, keepdims=True), _TINY)
    newcomers = np.where(new, day_one, 0.0)
    share = newcomers.sum(axis=1, keepdims=True)
    best = np.where(new, 0.0, probabilities).max(axis=1, keepdims=True)
    odds = LIFT + _logit(share) - _logit(best)
    together = 1.0 / (1.0 + np.exp(-odds))
    together = np.where(share > 0.0, together, 0.0)
    mixed = trained * (1.0 - together) + newcomers / np.maximum(share, _TINY) * together
    return np.asarray(mixed, dtype=np.float32)


def _logit(shares: Floats) -> NDArray[np.float64]:
    inside = np.clip(shares, _TINY, 1.0 - _TINY)
    return np.asarray(np.log(inside / (1.0 - inside)), dtype=np.float64)


class RareDuties:
    """What a duty word says for a new unit: the rarer it was in the city's old tickets, the more.

    噪音 stands in every thirtieth ticket and in most lists of duties; 无人机 stood in none, so a ticket about one is the
    new drone office's. A word weighs ``log(USE / share of old tickets)``, as in naive Bayes where `USE` of the unit's own
    tickets will hold it; of several words the best counts whole and the others a quarter, since they go together.
    """

    def __init__(self, units: Sequence[Unit], new: NDArray[np.bool_], vectoriser: NgramVectoriser) -> None:
        """Weigh the duties of new units.

        Args:
            units: All units.
            new: bool[u], which of them are new.
            vectoriser: Counted the n-grams of the city's old tickets.
        """
        self._units = len(units)
        self._weights: dict[str, list[tuple[int, float]]] = {}
        rarest = float(np.exp(1.0 - vectoriser.idf.max(initial=1.0)))
        for column in np.flatnonzero(new).tolist():
            for duty in {duty for duty in units[column].duties if len(duty) >= 2}:
                weight = float(np.clip(np.log(USE / _share(duty, vectoriser, rarest)), 0.0, MOST_EVIDENCE))
                self._weights.setdefault(duty, []).append((column, weight))

    def evidence(self, phrases: Sequence[Iterable[str]]) -> Floats:
        """Return float32[n, u]: log odds that the duty words in n texts add to each new unit."""
        found = np.zeros((len(phrases), self._units), dtype=np.float32)
        for row, present in enumerate(phrases):
            weights: dict[int, list[float]] = {}
            for phrase in present:
                for column, weight in self._weights.get(phrase, ()):
                    weights.setdefault(column, []).append(weight)
            for column, some in weights.items():
                found[row, column] = (1.0 - FURTHER) * max(some) + FURTHER * sum(some)
        return found


def _share(phrase: str, vectoriser: NgramVectoriser, rarest: float) -> float:
    """Bound the share of old tickets that hold a phrase by its rarest n-gram; one that is not counted is the rarest."""
    order = min(len(phrase), vectoriser.orders[1])
    found = occurrences(fold([phrase]), orders=(order, order))
    inside = (found.positions >= 0) & (found.positions + order <= len(phrase))
    columns = vectoriser.lookup(found.keys[inside])
    shares = np.where(columns >= 0, np.exp(1.0 - vectoriser.idf[columns]), rarest)
    return float(shares.min(initial=1.0))
