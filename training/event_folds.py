"""Judges the same-event linker in folds: a whole file at once, message by message as they arrive, and the plain way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from models.pairs import PairScorer, WordMeanings
from training.base_figures import event_record
from training.event_metrics import EventScores, GoldEvent, IgnoredPairs, agreement, score_events
from training.event_replay import StreamItem, replay
from training.pairs import (
    THRESHOLDS,
    Known,
    Matrices,
    best_threshold,
    count_terms,
    cut_events,
    fit_scorer,
    label_pairs,
    sign_views,
    split_batches,
)
from triage.events.items import EventItem
from triage.events.linker import EventLinker, time_order
from triage.events.signature import Signature, make_signature
from triage.events.words import WordCutter
from triage.store.vectors import HashedProjection


@dataclass(frozen=True, kw_only=True, slots=True)
class EventReport:
    """How well events were found in three ways.

    Attributes:
        batch: The whole file linked at once.
        incremental: Each message given its event as it arrived.
        tfidf: TF-IDF and average linkage, threshold from other folds.
        agreement: Share of the pairs joined in either of the first two ways that both join, 0 to 1.
        predicted: Message → event as linking the whole file said.
        arrived: Message → event as on arrival.
        link_at: The thresholds, one per scorer.
    """

    batch: EventScores
    incremental: EventScores
    tfidf: EventScores
    agreement: float
    predicted: Mapping[str, str]
    arrived: Mapping[str, str]
    link_at: tuple[float, ...]


def cross_validate_events(
    messages: Sequence[EventItem],
    events: Sequence[GoldEvent],
    *,
    meanings: WordMeanings,
    seed: int,
    folds: int = 5,
    ignored: IgnoredPairs = frozenset(),
) -> EventReport:
    """Judge the whole linker in folds by batch: scorers and thresholds come from training batches only.

    Messages that nobody annotated are part of the stream; on arrival they are judged by the first fold's scorer.

    Args:
        messages: The whole stream; all of it is linked, annotated batches are judged.
        events: Annotations.
        meanings: What words mean.
        seed: Of the folds and of the trees.
        folds: Number of folds.
        ignored: Pairs of events not to be judged.
    """
    views = sign_views(messages)
    texts = {item.id: f"{item.title}\n{item.content}" for item in messages}
    known = Known(count_terms(views[0]), meanings)
    parts = [label_pairs(view, events, known) for view in views]
    scorers: dict[int, PairScorer] = {}
    fold_of: dict[str, int] = {}
    predicted: dict[str, str] = {}
    plain: dict[str, str] = {}
    for fold, test in enumerate(split_batches([event.batch for event in events], folds=folds, seed=seed)):
        held = {event.id for event in events if event.batch in test}
        train = [event for event in events if event.batch not in test]
        outside = [part.kept(~np.isin(part.batch, sorted(test))) for part in parts]
        scorer = fit_scorer(outside, known=known, seed=seed)
        unseen = count_terms([signature for signature in views[0] if signature.id not in held])
        scorers[fold] = replace(scorer, frequencies=unseen)
        fold_of |= dict.fromkeys(held, fold)
        linked = EventLinker(scorers[fold]).link_signatures(views[0])
        predicted |= {found.id: found.event_id for found in linked if found.id in held}
        plain |= tfidf_events(texts, train, [event for event in events if event.batch in test])
    return _report(events, predicted, _arrive(views[0], texts, scorers, fold_of), plain, scorers, ignored=ignored)


def judge_events(items: Sequence[EventItem], events: Sequence[GoldEvent], scorer: PairScorer) -> EventReport:
    """Judge a trained scorer on a file of appeals; only the plain way is fitted here, in five folds by batch.

    Args:
        items: All appeals of the file.
        events: Annotations of some.
        scorer: Must not have learned from these annotations.
    """
    words = WordCutter()
    signatures = [make_signature(item, words=words) for item in items]
    texts = {item.id: f"{item.title}\n{item.content}" for item in items}
    plain: dict[str, str] = {}
    for test in split_batches([event.batch for event in events], folds=5, seed=0):
        inside = [event.batch in test for event in events]
        train, held = ([event for event, kept in zip(events, inside, strict=True) if kept == part] for part in (0, 1))
        plain |= tfidf_events(texts, train or held, held)
    predicted = {found.id: found.event_id for found in EventLinker(scorer).link_signatures(signatures)}
    return _report(events, predicted, _arrive(signatures, texts, {0: scorer}, {}), plain, {0: scorer})


def event_figures(report: EventReport) -> dict[str, Any]:
    """Return the JSON form of a report: that of linking the whole file, and each way by its name."""
    ways = {"batch": report.batch, "incremental": report.incremental, "tfidf_average_linkage": report.tfidf}
    records = {name: event_record(scores) for name, scores in ways.items()}
    return {"n": report.batch.messages, "agreement": round(report.agreement, 4), **records}


def _report(
    events: Sequence[GoldEvent],
    predicted: Mapping[str, str],
    arrived: Mapping[str, str],
    plain: Mapping[str, str],
    scorers: Mapping[int, PairScorer],
    *,
    ignored: IgnoredPairs = frozenset(),
) -> EventReport:
    return EventReport(
        batch=score_events(events, predicted, ignored=ignored),
        incremental=score_events(events, arrived, ignored=ignored),
        tfidf=score_events(events, plain, ignored=ignored),
        agreement=agreement(predicted, arrived),
        predicted=predicted,
        arrived=arrived,
        link_at=tuple(scorer.link_at for scorer in scorers.values()),
    )


def _arrive(
    signatures: Sequence[Signature],
    texts: Mapping[str, str],
    scorers: Mapping[int, PairScorer],
    fold_of: Mapping[str, int],
) -> dict[str, str]:
    ordered = sorted(signatures, key=time_order)
    items = [StreamItem(signature=s, text=texts[s.id], fold=fold_of.get(s.id, 0)) for s in ordered]
    return replay(items, scorers, HashedProjection(scorers[0].frequencies))


def tfidf_events(texts: Mapping[str, str], train: Sequence[GoldEvent], test: Sequence[GoldEvent]) -> dict[str, str]:
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
    best = best_threshold(train, _cosines(vectoriser, texts, train), (0.1, 0.15, *THRESHOLDS))
    return cut_events(_cosines(vectoriser, texts, test), best)


def _cosines(vectoriser: TfidfVectorizer, texts: Mapping[str, str], events: Sequence[GoldEvent]) -> Matrices:
    found: Matrices = []
    for batch in sorted({event.batch for event in events}):
        ids = [event.id for event in events if event.batch == batch]
        matrix = vectoriser.transform([texts[id_] for id_ in ids])
        found.append((ids, np.asarray((matrix @ matrix.T).todense())))
    return found
