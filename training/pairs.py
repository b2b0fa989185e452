"""Trains and judges the same-event pair scorer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.pairs import Line, PairScorer, TermFrequencies, Trees
from training.event_metrics import EventScores, GoldEvent, IgnoredPairs, score_events
from triage.events.collection import SALT_WORDS, build_collection
from triage.events.features import FEATURES, PairFeatures
from triage.events.grouping import average_link
from triage.events.items import EventItem
from triage.events.linker import EventLinker
from triage.events.signature import Signature, make_signature
from triage.events.words import WordCutter

Floats = NDArray[np.float32]

_THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
_INNER_FOLDS = 4
_PLATEAU = 0.02
_EASY = 0.08
_EASY_KEPT = 0.25
_AGAINST = frozenset(("primary_conflicts", "days_apart"))
_UNDIRECTED = frozenset(("user_appeals", "length_ratio", "shorter_length", "both_titled", "enquiries"))


@dataclass(frozen=True, kw_only=True, slots=True)
class EventReport:
    """Cross-validated agreement; every message was predicted by a model that had not seen its batch.

    Attributes:
        scorer: The trained linker.
        tfidf: TF-IDF and average linkage, threshold from the training folds.
        predicted: Message → event as the linker said.
        link_at: The threshold of each fold, chosen inside its training batches.
    """

    scorer: EventScores
    tfidf: EventScores
    predicted: dict[str, str]
    link_at: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Fitted:
    forest: HistGradientBoostingClassifier
    line: Line

    def margins(self, features: Floats) -> NDArray[np.float64]:
        return np.asarray(0.5 * self.forest.decision_function(features) + 0.5 * self.line.margins(features))


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


def train_pairs(messages: Sequence[EventItem], events: Sequence[GoldEvent], *, seed: int) -> PairScorer:
    """Train a pair scorer.

    Args:
        messages: The whole stream, annotated or not: rarity is learned from all of it.
        events: Annotations of some messages.
        seed: Of the folds and of the trees.

    Raises:
        ValueError: If an annotation names a message that is not there, or fewer than two batches are annotated.
    """
    words = WordCutter()
    views = [[make_signature(item, words=words) for item in view] for view in _views(messages)]
    return _train(views, events, frequencies=count_terms(views[0]), seed=seed)


def train_pairs_by_fold(
    messages: Sequence[EventItem], events: Sequence[GoldEvent], folds: Mapping[str, int], *, seed: int
) -> Iterator[tuple[int, PairScorer]]:
    """Train for each fold a pair scorer that has learned from no message of it; gives one after the other.

    Args:
        messages: The whole stream.
        events: Annotations of some messages.
        folds: Message → fold; rarity, which takes no annotation, is learned from all of them.
        seed: Of the trees.

    Raises:
        ValueError: As `train_pairs`.
    """
    words = WordCutter()
    views = [[make_signature(item, words=words) for item in view] for view in _views(messages)]
    frequencies = count_terms(views[0])
    parts = [label_pairs(view, events, frequencies) for view in views]
    fold_of = np.array([folds[signature.id] for signature in views[0]])
    for fold in sorted(set(folds.values())):
        outside = [part.kept((fold_of[part.left] != fold) & (fold_of[part.right] != fold)) for part in parts]
        known = [event for event in events if folds[event.id] != fold]
        yield fold, _fit_scorer(outside, known, views[0], frequencies=frequencies, seed=seed)


def cross_validate_events(
    messages: Sequence[EventItem],
    events: Sequence[GoldEvent],
    *,
    seed: int,
    folds: int = 5,
    ignored: IgnoredPairs = frozenset(),
) -> EventReport:
    """Judge the whole linker in folds by batch; thresholds come from training batches only.

    Args:
        messages: The whole stream; all of it is linked, annotated batches are judged.
        events: Annotations.
        seed: Of the folds and of the trees.
        folds: Number of folds.
        ignored: Pairs of events not to be judged.
    """
    words = WordCutter()
    views = [[make_signature(item, words=words) for item in view] for view in _views(messages)]
    texts = {item.id: f"{item.title}\n{item.content}" for item in messages}
    predicted: dict[str, str] = {}
    baseline: dict[str, str] = {}
    chosen: list[float] = []
    for test in split_batches([event.batch for event in events], folds=folds, seed=seed):
        train = [event for event in events if event.batch not in test]
        held = {event.id for event in events if event.batch in test}
        frequencies = count_terms([signature for signature in views[0] if signature.id not in held])
        scorer = _train(views, train, frequencies=frequencies, seed=seed)
        chosen.append(scorer.link_at)
        linked = EventLinker(scorer).link_signatures(views[0])
        predicted |= {found.id: found.event_id for found in linked if found.id in held}
        baseline |= tfidf_events(texts, train, [event for event in events if event.batch in test])
    return EventReport(
        scorer=score_events(events, predicted, ignored=ignored),
        tfidf=score_events(events, baseline, ignored=ignored),
        predicted=predicted,
        link_at=tuple(chosen),
    )


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


def tfidf_events(texts: dict[str, str], train: Sequence[GoldEvent], test: Sequence[GoldEvent]) -> dict[str, str]:
    """Link by cosine of character TF-IDF and average linkage, the plain way to compare with.

    Args:
        texts: Message → title and content.
        train: Annotations from which the threshold is chosen.
        test: Messages to link, batch by batch.

    Returns:
        Message → event for ``test``.
    """
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2, dtype=np.float32)
    vectoriser.fit(texts.values())
    trained = _cosines(vectoriser, texts, train)
    best = _best_threshold(train, trained, (0.1, 0.15, *_THRESHOLDS))
    return _cut(_cosines(vectoriser, texts, test), best)


_Matrices = list[tuple[list[str], NDArray[Any]]]


def _cosines(vectoriser: TfidfVectorizer, texts: dict[str, str], events: Sequence[GoldEvent]) -> _Matrices:
    found: _Matrices = []
    for batch in sorted({event.batch for event in events}):
        ids = [event.id for event in events if event.batch == batch]
        matrix = vectoriser.transform([texts[id_] for id_ in ids])
        found.append((ids, np.asarray((matrix @ matrix.T).todense())))
    return found


def _cut(matrices: _Matrices, threshold: float) -> dict[str, str]:
    predicted: dict[str, str] = {}
    for ids, matrix in matrices:
        labels = average_link(matrix, link_at=threshold)
        predicted |= {id_: ids[label] for id_, label in zip(ids, labels.tolist(), strict=True)}
    return predicted


def _best_threshold(events: Sequence[GoldEvent], matrices: _Matrices, thresholds: Sequence[float]) -> float:
    """Return the middle of the thresholds that do about best in pair F1 (without the largest event) plus B-cubed F1.

    The single best one jumps about from fold to fold (0.3, 0.8); the middle of the plateau does not.
    """
    totals = []
    for threshold in thresholds:
        scores = score_events(events, _cut(matrices, threshold))
        totals.append(scores.pairs_without_largest.f1 + scores.b_cubed.f1)
    found = np.array(totals)
    return float(np.mean(np.array(thresholds)[found >= found.max() - _PLATEAU]))


def _views(messages: Sequence[EventItem]) -> list[list[EventItem]]:
    """Return the messages as they are, and twice as a hotline would have them.

    A hotline ticket has no title and no account, and is often one sentence; a title is the nearest thing to that.
    """
    untitled = [replace(item, title="", user="") for item in messages]
    short = [replace(item, title="", user="", content=item.title or item.content[:60]) for item in messages]
    return [list(messages), untitled, short]


def _train(
    views: Sequence[Sequence[Signature]], events: Sequence[GoldEvent], *, frequencies: TermFrequencies, seed: int
) -> PairScorer:
    parts = [label_pairs(view, events, frequencies) for view in views]
    return _fit_scorer(parts, events, views[0], frequencies=frequencies, seed=seed)


def _fit_scorer(
    parts: Sequence[LabelledPairs],
    events: Sequence[GoldEvent],
    signatures: Sequence[Signature],
    *,
    frequencies: TermFrequencies,
    seed: int,
) -> PairScorer:
    """Fit to pairs; the first part has the messages as they are, of these ``signatures``."""
    full = parts[0]
    batches = split_batches(full.batch.tolist(), folds=_INNER_FOLDS, seed=seed)
    if len(batches) < 2:
        raise ValueError("same-event training needs annotations of at least two batches")
    held_out = np.zeros(len(full.same))
    for test in batches:
        mask = np.isin(full.batch, sorted(test))
        held_out[mask] = _fit(parts, test, seed=seed).margins(full.features[mask])
    slope, shift = _calibrate(held_out, full)
    fitted = _fit(parts, (), seed=seed)
    scorer = PairScorer(
        feature_names=FEATURES,
        trees=flatten(fitted.forest),
        bias=float(np.ravel(fitted.forest._baseline_prediction)[0]),
        line=fitted.line,
        slope=slope,
        shift=shift,
        link_at=_choose_threshold(full, expit(slope * held_out + shift), signatures, events),
        frequencies=frequencies,
    )
    gap = np.abs(scorer.margins(full.features[:500]) - fitted.margins(full.features[:500]))
    if gap.max(initial=0.0) > 1e-3:
        raise ValueError("exported trees disagree with scikit-learn; its node layout has changed")
    return scorer


def label_pairs(
    signatures: Sequence[Signature], events: Sequence[GoldEvent], frequencies: TermFrequencies
) -> LabelledPairs:
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
    pair_features = PairFeatures(build_collection(signatures, frequencies))
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
        # Most pairs share nothing; a quarter of those stands for all and saves two thirds of the time.
        easy = ~part.same & (part.features[:, 0] < _EASY)
        used = ~np.isin(part.batch, sorted(test)) & (~easy | (rng.random(len(easy)) < _EASY_KEPT))
        features.append(part.features[used])
        same.append(part.same[used])
        weight.append(np.where(easy, part.weight / _EASY_KEPT, part.weight)[used])
    x, y, w = np.concatenate(features), np.concatenate(same), np.concatenate(weight)
    forest = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.06,
        max_leaf_nodes=12,
        min_samples_leaf=20,
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=False,
        monotonic_cst=[_direction(name) for name in FEATURES],
        random_state=seed,
    ).fit(x, y, sample_weight=w)
    scaler = StandardScaler().fit(x)
    line = LogisticRegression(C=0.3, max_iter=2000).fit(scaler.transform(x), y, sample_weight=w)
    return _Fitted(
        forest,
        Line(
            scaler.mean_.astype(np.float32),
            scaler.scale_.astype(np.float32),
            line.coef_[0].astype(np.float32),
            float(line.intercept_[0]),
        ),
    )


def _calibrate(margins: NDArray[np.float64], pairs: LabelledPairs) -> tuple[float, float]:
    """Fit slope and shift (Platt 1999), with weights: unweighted, one event of 56 appeals would set the scale for all."""
    sigmoid = LogisticRegression(C=1e6).fit(margins[:, None], pairs.same, sample_weight=pairs.weight)
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


def _choose_threshold(
    pairs: LabelledPairs,
    probabilities: NDArray[np.float64],
    signatures: Sequence[Signature],
    events: Sequence[GoldEvent],
) -> float:
    matrices: _Matrices = []
    for batch in np.unique(pairs.batch):
        mask = pairs.batch == batch
        rows = np.unique(np.concatenate([pairs.left[mask], pairs.right[mask]]))
        matrix = np.zeros((len(rows), len(rows)))
        a, b = np.searchsorted(rows, pairs.left[mask]), np.searchsorted(rows, pairs.right[mask])
        matrix[a, b] = matrix[b, a] = np.where(pairs.vetoed[mask], -1.0, probabilities[mask])
        matrices.append(([signatures[row].id for row in rows], matrix))
    return _best_threshold(events, matrices, _THRESHOLDS)
