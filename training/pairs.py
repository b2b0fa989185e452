"""Trains the same-event pair scorer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.pairs import Line, PairModel, PairScorer, TermFrequencies, Trees, WordMeanings
from training.event_metrics import GoldEvent, score_events
from triage.events.collection import SALT_WORDS, build_collection
from triage.events.features import FEATURES, PairFeatures
from triage.events.grouping import average_link
from triage.events.items import EventItem
from triage.events.signature import Signature, make_signature
from triage.events.words import WordCutter

Floats = NDArray[np.float32]

THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
_INNER_FOLDS = 4
_PLATEAU = 0.02
_EASY = 0.08
_EASY_KEPT = 0.1
_AGAINST = frozenset(("primary_conflicts", "days_apart"))
LINK_AT = 0.4
"""Groups are joined from this average on, where the training folds do best (0.38 to 0.43). From 0.5 on more of what is joined
is right (0.88 instead of 0.85) and less is found (0.83 instead of 0.87); on the samples a third of the finds would be lost."""
_LINE_SHARE = 0.7
"""What the line counts beside the trees; on folds by batch 0.5 to 0.7 did best, for pairs are few."""
_LINE_C = 0.01
"""Held back strongly: of the pairs that are one event, a thousand are worth counting; 0.3 lost 1.5 points of pair F1."""
_UNDIRECTED = frozenset(("user_appeals", "length_ratio", "shorter_length", "both_titled", "enquiries"))


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of words without any annotation.

    Attributes:
        frequencies: How common strings and words are.
        meanings: What words mean.
    """

    frequencies: TermFrequencies
    meanings: WordMeanings


@dataclass(frozen=True, slots=True)
class _Fitted:
    forest: HistGradientBoostingClassifier
    line: Line

    def margins(self, features: Floats) -> NDArray[np.float64]:
        by_trees = self.forest.decision_function(features)
        return np.asarray((1 - _LINE_SHARE) * by_trees + _LINE_SHARE * self.line.margins(features))

    def model(self, slope: float, shift: float) -> PairModel:
        return PairModel(
            trees=flatten(self.forest),
            bias=float(np.ravel(self.forest._baseline_prediction)[0]),
            line=self.line,
            line_share=_LINE_SHARE,
            slope=slope,
            shift=shift,
        )


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """All pairs inside batches.

    Attributes:
        features: float32[m, f].
        same: bool[m], annotated as the same event.
        weight: float32[m]; a large event's many pairs share what a small event's few get.
        left: int64[m], row of the collection.
        right: int64[m].
        batch: Batch per pair, object[m].
        vetoed: bool[m], their names contradict.
    """

    features: Floats
    same: NDArray[np.bool_]
    weight: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    batch: NDArray[np.str_]
    vetoed: NDArray[np.bool_]

    def kept(self, mask: NDArray[np.bool_]) -> LabelledPairs:
        """Return some of the pairs."""
        return LabelledPairs(
            self.features[mask],
            self.same[mask],
            self.weight[mask],
            self.left[mask],
            self.right[mask],
            self.batch[mask],
            self.vetoed[mask],
        )


def train_pairs(
    messages: Sequence[EventItem], events: Sequence[GoldEvent], *, meanings: WordMeanings, seed: int
) -> PairScorer:
    """Train a pair scorer.

    Args:
        messages: The whole stream, annotated or not: rarity is learned from all of it.
        events: Annotations of some messages.
        meanings: What words mean.
        seed: Of the folds and of the trees.

    Raises:
        ValueError: If an annotation names a message that is not there, or fewer than two batches are annotated.
    """
    views = sign_views(messages)
    known = Known(count_terms(views[0]), meanings)
    return fit_scorer([label_pairs(view, events, known) for view in views], known=known, seed=seed)


def train_pairs_by_fold(
    messages: Sequence[EventItem],
    events: Sequence[GoldEvent],
    folds: Mapping[str, int],
    *,
    meanings: WordMeanings,
    seed: int,
) -> Iterator[tuple[int, PairScorer]]:
    """Train for each fold a pair scorer that has learned from no message of it; gives one after the other.

    Args:
        messages: The whole stream.
        events: Annotations of some messages.
        folds: Message → fold; rarity, which takes no annotation, is learned from all of them.
        meanings: What words mean.
        seed: Of the trees.

    Raises:
        ValueError: As `train_pairs`.
    """
    views = sign_views(messages)
    known = Known(count_terms(views[0]), meanings)
    parts = [label_pairs(view, events, known) for view in views]
    fold_of = np.array([folds[signature.id] for signature in views[0]])
    for fold in sorted(set(folds.values())):
        outside = [part.kept((fold_of[part.left] != fold) & (fold_of[part.right] != fold)) for part in parts]
        yield fold, fit_scorer(outside, known=known, seed=seed)


def split_batches(batches: Sequence[str], *, folds: int, seed: int) -> list[set[str]]:
    """Deal batches to folds of about equal numbers of messages."""
    names, counts = np.unique(np.array(batches), return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    parts: list[set[str]] = [set() for _ in range(min(folds, len(names)))]
    loads = [0] * len(parts)
    for k in order:
        lightest = loads.index(min(loads))
        parts[lightest].add(str(names[k]))
        loads[lightest] += int(counts[k])
    return parts


def count_terms(signatures: Sequence[Signature]) -> TermFrequencies:
    """Count in how many appeals each hashed string and word occurs."""
    return TermFrequencies.count([np.concatenate([s.grams, s.words ^ SALT_WORDS]) for s in signatures])


Matrices = list[tuple[list[str], NDArray[Any]]]
"""Per batch its messages and their likeness, float[k, k]."""


def cut_events(matrices: Matrices, threshold: float) -> dict[str, str]:
    """Group the messages of each batch by average linkage; returns message → event."""
    predicted: dict[str, str] = {}
    for ids, matrix in matrices:
        labels = average_link(matrix, link_at=threshold)
        predicted |= {id_: ids[label] for id_, label in zip(ids, labels.tolist(), strict=True)}
    return predicted


def best_threshold(events: Sequence[GoldEvent], matrices: Matrices, thresholds: Sequence[float]) -> float:
    """Return the middle of the thresholds that do about best in pair F1 (without the largest event) plus B-cubed F1.

    The single best one jumps about from fold to fold (0.3, 0.8); the middle of the plateau does not.
    """
    totals = []
    for threshold in thresholds:
        scores = score_events(events, cut_events(matrices, threshold))
        totals.append(scores.pairs_without_largest.f1 + scores.b_cubed.f1)
    found = np.array(totals)
    return float(np.mean(np.array(thresholds)[found >= found.max() - _PLATEAU]))


def sign_views(messages: Sequence[EventItem]) -> list[list[Signature]]:
    """Return the signatures of the messages as they are, and twice as a hotline would have them.

    A hotline ticket has no title and no account, and is often one sentence; a title is the nearest thing to that.
    """
    words = WordCutter()
    untitled = [replace(item, title="", user="") for item in messages]
    short = [replace(item, title="", user="", content=item.title or item.content[:60]) for item in messages]
    return [[make_signature(item, words=words) for item in view] for view in (messages, untitled, short)]


def fit_scorer(parts: Sequence[LabelledPairs], *, known: Known, seed: int) -> PairScorer:
    """Fit to pairs.

    Args:
        parts: Pairs of the messages as they are, then those without titles.
        known: What the features were computed with.
        seed: Of the folds and of the trees.

    Raises:
        ValueError: Fewer than two batches are annotated.
    """
    full, untitled = parts[0], parts[1:]
    batches = split_batches(full.batch.tolist(), folds=_INNER_FOLDS, seed=seed)
    if len(batches) < 2:
        raise ValueError("same-event training needs annotations of at least two batches")
    return PairScorer(
        feature_names=FEATURES,
        titled=_fit_model([full], batches, seed=seed),
        untitled=_fit_model(untitled, batches, seed=seed),
        link_at=LINK_AT,
        frequencies=known.frequencies,
        meanings=known.meanings,
    )


def _fit_model(parts: Sequence[LabelledPairs], batches: Sequence[Collection[str]], *, seed: int) -> PairModel:
    """Fit a model, calibrated on what models without a batch say of its pairs."""
    held_out = [np.zeros(len(part.same)) for part in parts]
    for test in batches:
        fitted = _fit(parts, test, seed=seed)
        for part, margins in zip(parts, held_out, strict=True):
            mask = np.isin(part.batch, sorted(test))
            margins[mask] = fitted.margins(part.features[mask])
    same, weight = (np.concatenate([getattr(part, name) for part in parts]) for name in ("same", "weight"))
    slope, shift = calibrate(np.concatenate(held_out), same, weight)
    fitted = _fit(parts, (), seed=seed)
    model = fitted.model(slope, shift)
    some = parts[0].features[:500]
    if np.abs(model.margins(some) - fitted.margins(some)).max(initial=0.0) > 1e-3:
        raise ValueError("exported trees disagree with scikit-learn; its node layout has changed")
    return model


def label_pairs(signatures: Sequence[Signature], events: Sequence[GoldEvent], known: Known) -> LabelledPairs:
    """Compute the features of all judged pairs inside batches.

    Raises:
        ValueError: If an annotated message is missing.
    """
    rows = {signature.id: row for row, signature in enumerate(signatures)}
    judged = [event for event in events if not event.ambiguous]
    missing = [event.id for event in judged if event.id not in rows]
    if missing:
        raise ValueError(f"annotated messages are not in the stream: {', '.join(missing[:5])}")
    sizes = {event: sum(other.event == event for other in judged) for event in {e.event for e in judged}}
    by_batch: dict[str, list[GoldEvent]] = {}
    for event in judged:
        by_batch.setdefault(event.batch, []).append(event)
    left, right, same, weight, batch = [], [], [], [], []
    for members in by_batch.values():
        for at, a in enumerate(members):
            for b in members[at + 1 :]:
                left.append(rows[a.id])
                right.append(rows[b.id])
                same.append(a.event == b.event)
                weight.append(min(1.0, 4.0 / sizes[a.event]) if a.event == b.event else 1.0)
                batch.append(a.batch)
    pair_features = PairFeatures(build_collection(signatures, known.frequencies), known.meanings)
    lefts, rights = np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)
    vetoed = [pair_features.names.contradicts(i, j) for i, j in zip(left, right, strict=True)]
    return LabelledPairs(
        pair_features.compute(lefts, rights),
        np.array(same, dtype=bool),
        np.array(weight, dtype=np.float32),
        lefts,
        rights,
        np.array(batch),
        np.array(vetoed, dtype=bool),
    )


def _fit(parts: Sequence[LabelledPairs], test: Collection[str], *, seed: int) -> _Fitted:
    """Fit both models to all pairs outside the test batches."""
    rng = np.random.default_rng(seed)
    features, same, weight = [], [], []
    for part in parts:
        # Most pairs share nothing; a tenth of those stands for all.
        easy = ~part.same & (part.features[:, 0] < _EASY)
        used = ~np.isin(part.batch, sorted(test)) & (~easy | (rng.random(len(easy)) < _EASY_KEPT))
        features.append(part.features[used])
        same.append(part.same[used])
        weight.append(np.where(easy, part.weight / _EASY_KEPT, part.weight)[used])
    x, y, w = np.concatenate(features), np.concatenate(same), np.concatenate(weight)
    forest = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.09,
        max_leaf_nodes=12,
        max_bins=64,
        min_samples_leaf=20,
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=False,
        monotonic_cst=[_direction(name) for name in FEATURES],
        random_state=seed,
    ).fit(x, y, sample_weight=w)
    scaler = StandardScaler().fit(x)
    line = LogisticRegression(C=_LINE_C, max_iter=2000).fit(scaler.transform(x), y, sample_weight=w)
    return _Fitted(
        forest,
        Line(
            scaler.mean_.astype(np.float32),
            scaler.scale_.astype(np.float32),
            line.coef_[0].astype(np.float32),
            float(line.intercept_[0]),
        ),
    )


def calibrate(
    margins: NDArray[np.float64], same: NDArray[np.bool_], weight: NDArray[np.float32]
) -> tuple[float, float]:
    """Fit slope and shift (Platt 1999), with weights: unweighted, one event of 56 appeals would set the scale for all."""
    sigmoid = LogisticRegression(C=1e6).fit(margins[:, None], same, sample_weight=weight)
    return float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])


def _direction(name: str) -> int:
    """Say whether a feature may only speak for (1) or only against (-1) the same event; 0: both."""
    if name in _AGAINST:
        return -1
    # An agreement of -1 (not named) lies below a contradiction of 0, so these cannot be ordered.
    return 0 if name in _UNDIRECTED or name.endswith("_agreement") else 1


def flatten(forest: HistGradientBoostingClassifier) -> Trees:
    """Copy scikit-learn's trees into flat arrays; leaves point at themselves."""
    tables = [predictor[0].nodes for predictor in forest._predictors]
    offsets = np.cumsum([0, *(len(table) for table in tables)])
    nodes = np.concatenate(tables)
    offset = np.repeat(offsets[:-1], [len(table) for table in tables])
    own = np.arange(len(nodes))
    leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        roots=offsets[:-1].astype(np.int32),
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int16),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]).astype(np.float64),
        left=np.where(leaf, own, nodes["left"] + offset).astype(np.int32),
        right=np.where(leaf, own, nodes["right"] + offset).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0.0).astype(np.float32),
        depth=int(nodes["depth"].max()),
    )
