"""Trains a local bundle on a city's own tickets."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import Description, write_bundle
from models.calibration import temperature
from models.confidence import VERSION as CONFIDENCE_VERSION
from models.confidence import ConfidenceModel
from models.linear import Scores, join_heads
from models.ngrams import fit_vectoriser
from models.ranker import VERSION as RANKER_VERSION
from models.ranker import CandidateRanker
from models.text_model import VERSION as LINEAR_VERSION
from models.text_model import FieldVectoriser, TextModel, features_of
from training.confidence_fit import fit_confidence
from training.config import LocalRecipe
from training.linear_fit import Head, fit_centroids, fit_exclusive
from training.ranker_fit import fit_ranker
from triage.base_model import BaseModel
from triage.directory import Directory, Unit
from triage.document import Document
from triage.errors import TrainingError
from triage.reading import function_logs
from triage.routing.doubt import DOUBTS, WITHOUT_FUNCTION
from triage.routing.features import FEATURES
from triage.routing.local import (
    AREA,
    BASE_FUNCTION,
    CENTROID,
    FUNCTION,
    UNIT,
    HeldOut,
    LocalModel,
    local_tensors,
    unit_row,
)
from triage.routing.router import UnitRouter, area_class
from triage.text.normalise import NORMALISER_VERSION

Progress = Callable[[int, int], bool]
MIN_TICKETS = 30
_PLAIN_FEATURES = ("unit", "centroid", "prior")

MOST_SEEN = 0.05
"""Share of tickets the base model may have learned from before its own view is left out."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One handled ticket: the appeal as the models read it, and the right answer."""

    document: Document
    answer: str


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Heads and priors of one set of tickets, before anything is stacked."""

    text: TextModel
    log_prior: dict[str, float]


def train_local(
    tickets: Sequence[Ticket],
    directory: Directory | None,
    *,
    recipe: LocalRecipe,
    label: str,
    strip: bool,
    base: BaseModel | None = None,
    progress: Progress | None = None,
) -> LocalModel:
    """Learn from a city's tickets.

    The heads are fitted twice: on the earlier tickets, so that the later ones can choose temperatures, ranker weights and
    the automatic threshold as strangers, and then on all of them.

    Args:
        tickets: At least `MIN_TICKETS` with at least two different answers.
        directory: The city's list of units; None infers place and function from the answers' names.
        recipe: Settings.
        label: Name of the column the answers come from; only ``unit`` has places and functions.
        strip: Whether the documents were stripped of call-takers' instructions; kept for run time.
        base: The base model, whose view of the function is stacked with the city's own; None leaves it out.
        progress: Called with (steps done, steps in all).

    Raises:
        TrainingError: If there is too little to learn from.
    """
    answers = [ticket.answer for ticket in tickets]
    if len(tickets) < MIN_TICKETS or len(set(answers)) < 2:
        raise TrainingError(
            f"{len(tickets)} labelled rows with {len(set(answers))} different answers in column {label!r} "
            f"are too few; at least {MIN_TICKETS} rows and 2 answers are needed"
        )
    steps = _Steps(progress or (lambda _done, _total: True), 7 if label == UNIT else 3)
    known = _directory_for(answers, directory, label=label)
    early, late = _early_and_late(tickets, recipe)
    stacked = _stack(_fit(early, known, recipe, label, steps), late, known, label=label, base=base)
    steps.next()
    final = _fit(tickets, known, recipe, label, steps)
    text = replace(final.text, temperatures=stacked.text.temperatures)
    return replace(stacked, text=text, log_prior=final.log_prior, strip=strip)


def save_local(
    model: LocalModel,
    folder: Path,
    *,
    name: str,
    tickets: Sequence[Ticket],
    metrics: dict[str, Any],
    card: Callable[[Description], str],
) -> None:
    """Write the bundle.

    Args:
        model: From `train_local`.
        folder: Where to.
        name: Readable name of the bundle.
        tickets: Only their fingerprint is kept.
        metrics: Figures for the manifest.
        card: Writes the model card, Markdown.
    """
    description = Description(
        name=name,
        kind="local",
        created=date.today().isoformat(),  # noqa: DTZ011 - the calendar day of the place of training
        components={"text": LINEAR_VERSION, "ranker": RANKER_VERSION, "confidence": CONFIDENCE_VERSION},
        classes=dict(model.text.classes),
        settings={
            "label": model.label,
            "strip": model.strip,
            "text": model.text.settings(),
            "ranker": list(model.ranker.names),
            "confidence": list(model.confidence.names),
            "units": [unit_row(unit) for unit in model.directory.units],
        },
        normaliser_version=NORMALISER_VERSION,
        training_data_fingerprint=fingerprint((t.document.text, t.answer) for t in tickets),
        metrics=metrics,
    )
    write_bundle(folder, description, local_tensors(model), documents={"model_card.md": card(description)})


def fingerprint(parts: Iterable[tuple[str, ...]]) -> str:
    """Return the sha256 over texts and labels, independent of their order."""
    digests = sorted(hashlib.sha256("\x1f".join(part).encode("utf-8", "replace")).digest() for part in parts)
    return hashlib.sha256(b"".join(digests)).hexdigest()


class _Steps:
    """Counts the long steps for the progress callback."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def next(self) -> None:
        self._done += 1
        self._progress(self._done, self._total)


def _directory_for(answers: Sequence[str], given: Directory | None, *, label: str) -> Directory:
    """Return the given units plus every answer the list does not know, so that no ticket is without a candidate."""
    if label != UNIT:
        return Directory(Unit(name=name, level="市") for name in sorted(set(answers)))
    listed = given.units if given else ()
    unknown = sorted(set(answers) - {unit.name for unit in listed})
    return Directory((*listed, *Directory.from_names(unknown).units))


def _early_and_late(tickets: Sequence[Ticket], recipe: LocalRecipe) -> tuple[list[Ticket], list[Ticket]]:
    """Split by time where every ticket has one (the future is what a router meets), else at random by text."""
    times = [ticket.document.appeal.created_at for ticket in tickets]
    if all(times):
        order = sorted(range(len(tickets)), key=lambda i: (times[i], tickets[i].document.appeal.id))
    else:
        texts = sorted({ticket.document.text for ticket in tickets})
        place = dict(zip(texts, np.random.default_rng(recipe.seed).permutation(len(texts)), strict=True))
        order = sorted(range(len(tickets)), key=lambda i: int(place[tickets[i].document.text]))
    border = round(len(tickets) * (1.0 - recipe.held_out_share))
    return [tickets[i] for i in order[:border]], [tickets[i] for i in order[border:]]


def _fit(tickets: Sequence[Ticket], directory: Directory, recipe: LocalRecipe, label: str, steps: _Steps) -> _Fitted:
    """Fit all heads on these tickets."""
    fields = _fields(tickets, recipe)
    features = features_of(fields, _texts(tickets))
    heads: dict[str, Head] = {}
    classes: dict[str, list[str]] = {}
    for name, labels in _labels(tickets, directory, label).items():
        classes[name] = sorted(set(labels))
        truth = np.searchsorted(classes[name], labels)
        heads[name] = fit_exclusive(features, truth, len(classes[name]), c=recipe.svm_c, seed=recipe.seed)
        if name == UNIT:
            classes[CENTROID] = classes[UNIT]
            heads[CENTROID] = fit_centroids(features, truth, len(classes[UNIT]))
        steps.next()
    joined = join_heads({name: (head.weights, head.intercepts) for name, head in heads.items()})
    counts = Counter(ticket.answer for ticket in tickets)
    log_prior = {answer: math.log(count / len(tickets)) for answer, count in counts.items()}
    return _Fitted(TextModel(fields, joined, classes, {}), log_prior)


def _texts(tickets: Sequence[Ticket]) -> dict[str, list[str]]:
    return {"text": [ticket.document.text for ticket in tickets]}


def _fields(tickets: Sequence[Ticket], recipe: LocalRecipe) -> tuple[FieldVectoriser, ...]:
    """Title and content count as one text: most of a city's tickets have no title."""
    vectoriser = fit_vectoriser(
        _texts(tickets)["text"], orders=recipe.orders, min_texts=recipe.min_texts, max_features=recipe.max_features
    )
    return (FieldVectoriser("text", vectoriser),)


def _labels(tickets: Sequence[Ticket], directory: Directory, label: str) -> dict[str, list[str]]:
    """Return what each head has to learn: the answer itself and, for units, its function and its area."""
    answers = [ticket.answer for ticket in tickets]
    if label != UNIT:
        return {UNIT: answers}
    units = {unit.name: unit for unit in directory.units}
    return {
        UNIT: answers,
        FUNCTION: [units[answer].function or "其他" for answer in answers],
        AREA: [area_class(directory, units[answer]) for answer in answers],
    }


def _stack(
    early: _Fitted, late: Sequence[Ticket], directory: Directory, *, label: str, base: BaseModel | None
) -> LocalModel:
    """Fit temperatures, ranker, confidence and reliability record on tickets that the heads have not seen."""
    margins = early.text.margins(early.text.features(_texts(late)))
    temperatures = _temperatures(early.text, margins, _labels(late, directory, label))
    logs = _base_functions(base, late) if label == UNIT else None
    features, doubts = _names(label, with_base=logs is not None)
    blank = LocalModel(
        version="",
        label=label,
        text=replace(early.text, temperatures=temperatures),
        ranker=CandidateRanker(features, np.zeros(len(features), np.float32)),
        confidence=ConfidenceModel(doubts, np.zeros(len(doubts), np.float32), 0.0),
        log_prior=early.log_prior,
        held_out=HeldOut(np.zeros(0, np.float32), np.zeros(0, bool)),
        strip=True,
        directory=directory,
    )
    router = UnitRouter(directory, blank.ranker, local=blank)
    scores = router.local_scores(blank, margins)
    if base is not None and logs is not None:
        scores[BASE_FUNCTION] = router.spread(logs, BASE_FUNCTION, base.text.classes[FUNCTION])
    evidence = router.features.evidence([ticket.document for ticket in late])
    table = router.features.compute(evidence, scores, features)
    column = {unit.name: i for i, unit in enumerate(router.units)}
    truth = np.array([column[ticket.answer] for ticket in late])
    ranker = fit_ranker(table, truth, features, prior=_expected(base, features))
    probabilities = ranker.probabilities(table)
    correct = probabilities.argmax(axis=1) == truth
    doubtful = router.doubts(probabilities, margins, doubts)
    confidence = fit_confidence(doubtful, correct, doubts)
    held_out = HeldOut(confidence.probabilities(doubtful), correct)
    return replace(blank, ranker=ranker, confidence=confidence, held_out=held_out)


def _names(label: str, *, with_base: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the features of the ranker and those of the confidence model."""
    if label != UNIT:
        return _PLAIN_FEATURES, WITHOUT_FUNCTION
    return tuple(name for name in FEATURES if with_base or name != BASE_FUNCTION), tuple(DOUBTS)


def _base_functions(base: BaseModel | None, late: Sequence[Ticket]) -> Scores | None:
    """Return the base model's log-probabilities of the functions, or None where it knows these very tickets.

    Had the base bundle learned from the late tickets, it would look wiser on them than it will be on the next ones.
    """
    if base is None or sum(base.has_seen(ticket.document.text) for ticket in late) > MOST_SEEN * len(late):
        return None
    return function_logs(base, [ticket.document for ticket in late])


def _expected(base: BaseModel | None, features: Sequence[str]) -> dict[str, float]:
    """Return the day-one ranker's weights as what to expect before any ticket is seen."""
    if base is None:
        return {}
    weights = dict(zip(base.ranker.names, base.ranker.weights.tolist(), strict=True))
    if BASE_FUNCTION in features:
        weights[BASE_FUNCTION] = weights.pop(FUNCTION)
    return weights


def _temperatures(
    model: TextModel, margins: Mapping[str, Scores], labels: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Fit one temperature per head on the texts whose class the head knows."""
    found = {}
    for head, truth in labels.items():
        index = {name: i for i, name in enumerate(model.classes[head])}
        columns = np.array([index.get(label, -1) for label in truth])
        known = columns >= 0
        found[head] = temperature(margins[head][known], columns[known]) if known.any() else 1.0
    return found
