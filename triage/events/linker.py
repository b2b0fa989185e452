"""Linking appeals about the same event (并单)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.pairs import PairScorer
from triage.events.candidates import Pairs, find_candidates
from triage.events.collection import Collection, build_collection
from triage.events.features import FEATURES, PairFeatures
from triage.events.grouping import group
from triage.events.guard import contradicting, weak
from triage.events.items import EventAssignment, EventItem, LinkSettings, SimilarAppeal
from triage.events.signature import Signature, make_signature
from triage.events.words import WordCutter

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Progress = Callable[[int, int], bool]
"""Called with (done, total); returning False is ignored: linking needs all appeals at once."""

_CHUNK = 20_000
_LEAST_CLOSENESS = 0.12
_LEAST_VETOED = 0.05
_CITED = 0.95


class EventLinker:
    """Finds which appeals report the same event.

    Candidates share rare strings, names, cited tickets or a person; a trained scorer judges them; a different named
    place or organisation vetoes; groups are joined by their average, so that A~B and B~C alone do not join A and C.
    The same appeals give the same groups in whatever order they come.

    Args:
        scorer: Trained on the features `FEATURES`.
        settings: Thresholds and bounds.
        words: Word cutter; give one with a cache folder to save 0.6 s at the first use.

    Raises:
        ValueError: If the scorer was trained on other features.
    """

    def __init__(
        self, scorer: PairScorer, settings: LinkSettings | None = None, *, words: WordCutter | None = None
    ) -> None:
        if scorer.feature_names != FEATURES:
            raise ValueError("pair scorer was trained on other features; train the bundle again with this version")
        self.scorer = scorer
        self.settings = settings or LinkSettings()
        self.words = words or WordCutter()

    def link(self, items: Sequence[EventItem], *, progress: Progress | None = None) -> list[EventAssignment]:
        """Link appeals; the answer is in the order of ``items``.

        Raises:
            ValueError: If two items share an id.
        """
        signatures = []
        for done, item in enumerate(items, start=1):
            signatures.append(make_signature(item, words=self.words))
            if progress is not None and done % 500 == 0:
                progress(done, len(items))
        found = self.link_signatures(signatures)
        if progress is not None:
            progress(len(items), len(items))
        return found

    def link_signatures(self, signatures: Sequence[Signature]) -> list[EventAssignment]:
        """Link appeals by signatures that were made before, perhaps in other processes; answers in their order.

        Raises:
            ValueError: If two signatures share an id.
        """
        ordered = sorted(signatures, key=time_order)
        if len({signature.id for signature in ordered}) < len(ordered):
            raise ValueError("event items: two share an id; ids must be unique within one input")
        if not ordered:
            return []
        judge = PairJudge(
            build_collection(ordered, self.scorer.frequencies),
            self.scorer,
            untitled_caution=self.settings.untitled_caution,
        )
        pairs, scores = judge.judge(
            find_candidates(judge.features.collection, per_item=self.settings.candidates, least=_LEAST_CLOSENESS),
            least=self.settings.consider_at,
        )
        link_at = self.settings.link_at if self.settings.link_at is not None else self.scorer.link_at
        labels = group(
            pairs,
            scores,
            len(ordered),
            score=judge.score,
            link_at=link_at,
            limit=self.settings.group_limit,
        )
        found = self._assignments(ordered, labels, pairs, np.abs(scores))
        return [found[signature.id] for signature in signatures]

    def _assignments(
        self, ordered: Sequence[Signature], labels: Rows, pairs: Pairs, scores: Floats
    ) -> dict[str, EventAssignment]:
        sizes = np.bincount(labels, minlength=len(ordered))
        first: dict[int, int] = {}
        for row, label in enumerate(labels.tolist()):
            first.setdefault(label, row)
        similar: list[list[SimilarAppeal]] = [[] for _ in ordered]
        shown = np.flatnonzero(scores >= self.settings.show_at)
        for k in shown[np.argsort(-scores[shown], kind="stable")].tolist():
            left, right, probability = int(pairs.left[k]), int(pairs.right[k]), round(float(scores[k]), 4)
            for row, other in ((left, right), (right, left)):
                if len(similar[row]) < self.settings.shown:
                    similar[row].append(SimilarAppeal(ordered[other].id, probability))
        return {
            signature.id: EventAssignment(
                id=signature.id,
                event_id=f"E-{ordered[first[int(labels[row])]].id}",
                size=int(sizes[labels[row]]),
                similar=tuple(similar[row]),
            )
            for row, signature in enumerate(ordered)
        }


def time_order(signature: Signature) -> tuple[bool, float, str]:
    """Return the key that sorts by time, appeals without a time last, then by id."""
    unknown = bool(np.isnan(signature.time))
    return unknown, 0.0 if unknown else signature.time, signature.id


class PairJudge:
    """Scores pairs of one collection, with vetoes; a pair is scored once."""

    def __init__(self, collection: Collection, scorer: PairScorer, *, untitled_caution: float) -> None:
        self.features = PairFeatures(collection, scorer.meanings)
        self.scorer = scorer
        self.untitled_caution = untitled_caution
        self._size = len(collection.signatures)
        self._codes = np.empty(0, dtype=np.int64)
        self._scores = np.empty(0, dtype=np.float32)

    def judge(self, pairs: Pairs, *, least: float) -> tuple[Pairs, Floats]:
        """Score pairs and keep those from ``least`` on; a vetoed one scores below zero."""
        scores = self._fresh(pairs.left, pairs.right)
        self._codes, self._scores = pairs.left * self._size + pairs.right, scores
        keep = np.abs(scores) >= least
        return Pairs(pairs.left[keep], pairs.right[keep]), scores[keep]

    def score(self, left: Rows, right: Rows) -> Floats:
        """Return float32[m]: probabilities, below zero where the two must not be one event."""
        codes = np.minimum(left, right) * self._size + np.maximum(left, right)
        scores = np.empty(len(codes), dtype=np.float32)
        known = np.zeros(len(codes), dtype=bool)
        if len(self._codes):
            at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
            known = self._codes[at] == codes
            scores[known] = self._scores[at[known]]
        scores[~known] = self._fresh(left[~known], right[~known])
        return scores

    def _cautious(self, features: Floats) -> Floats:
        odds = self.scorer.log_odds(features)
        untitled = features[:, FEATURES.index("both_titled")] == 0
        found = expit(np.where(untitled, odds - self.untitled_caution, odds))
        # A ticket that quotes another's number says itself that they belong together; training texts quote none.
        cited = features[:, FEATURES.index("cited")] > 0
        return np.asarray(np.where(cited, np.maximum(found, _CITED), found), dtype=np.float32)

    def _fresh(self, left: Rows, right: Rows) -> Floats:
        found = np.empty(len(left), dtype=np.float32)
        for start in range(0, len(left), _CHUNK):
            part = slice(start, start + _CHUNK)
            features = self.features.compute(left[part], right[part])
            scores = self._cautious(features)
            scores[weak(self.features, left[part], right[part], features)] = 0.0
            vetoed = contradicting(self.features, left[part], right[part], among=scores >= _LEAST_VETOED)
            # The sign carries the veto, so that a vetoed look-alike can still be shown as similar.
            found[part] = np.where(vetoed, -scores, scores)
        return found
