"""Trains a local bundle on a city's own tickets."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.bundle import Description, write_bundle
from models.confidence import VERSION as CONFIDENCE_VERSION
from models.contest import VERSION as CONTEST_VERSION
from models.linear import join_heads
from models.ngrams import fit_vectoriser
from models.ranker import VERSION as RANKER_VERSION
from models.text_model import VERSION as LINEAR_VERSION
from models.text_model import FieldVectoriser, TextModel, features_of
from training.config import LocalRecipe
from training.linear_fit import Head, fit_centroids, fit_exclusive, fit_ridge
from training.local_stack import Fitted, Ticket, block_of, labels_of, stack, texts_of
from triage.base_model import BaseModel
from triage.directory import Directory, Unit
from triage.errors import TrainingError
from triage.routing.local import (
    CENTROID,
    UNIT,
    LocalModel,
    local_tensors,
    unit_row,
)
from triage.text.normalise import NORMALISER_VERSION

Progress = Callable[[int, int], bool]
_MOST_FOR_RIDGE = 10_000
"""Tickets beyond which the ridge regression's Gram matrix would not fit the memory."""

_RIDGE = 0.2
_TITLE_WEIGHT = 0.6
"""Length of the title's vector beside the content's, where both are fields."""

MIN_TICKETS = 30

LARGEST_BLOCK = 5000
"""Tickets of one block at the most: more would teach a few hundred numbers little and cost memory per unit and feature."""


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

    The latest tickets form two blocks. Each is scored by heads that learned from all other tickets, so that it can choose
    temperatures, ranker, trees and the automatic threshold as a stranger; then the heads are fitted again on everything.

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
    steps = _Steps(progress or (lambda _done, _total: True), 10 if label == UNIT else 4)
    known = _directory_for(answers, directory, label=label)
    blocks = []
    for others, block in _blocks(tickets, recipe):
        blocks.append(block_of(_fit(others, known, recipe, label, steps), block))
    stacked = stack(blocks, known, label=label, base=base, seed=recipe.seed)
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
        components={
            "text": LINEAR_VERSION,
            "ranker": RANKER_VERSION,
            "confidence": CONFIDENCE_VERSION,
            **({"trees": CONTEST_VERSION} if model.trees else {}),
        },
        classes=dict(model.text.classes),
        settings={
            "label": model.label,
            "strip": model.strip,
            "text": model.text.settings(),
            "ranker": list(model.ranker.names),
            "trees": list(model.trees.names) if model.trees else [],
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


def _blocks(tickets: Sequence[Ticket], recipe: LocalRecipe) -> list[tuple[list[Ticket], list[Ticket]]]:
    """Return, for the last block but one and for the last, (all other tickets, the block).

    In order of time where every ticket has one (the future is what a router meets), else at random by text.
    """
    times = [ticket.document.appeal.created_at for ticket in tickets]
    if all(times):
        order = sorted(range(len(tickets)), key=lambda i: (times[i], tickets[i].document.appeal.id))
    else:
        texts = sorted({ticket.document.text for ticket in tickets})
        place = dict(zip(texts, np.random.default_rng(recipe.seed).permutation(len(texts)), strict=True))
        order = sorted(range(len(tickets)), key=lambda i: int(place[tickets[i].document.text]))
    size = min(round(len(tickets) * recipe.held_out_share), LARGEST_BLOCK)
    split = []
    for end in (len(order) - size, len(order)):
        inside = order[end - size : end]
        others = order[: end - size] + order[end:]
        split.append(([tickets[i] for i in others], [tickets[i] for i in inside]))
    return split


def _fit(tickets: Sequence[Ticket], directory: Directory, recipe: LocalRecipe, label: str, steps: _Steps) -> Fitted:
    """Fit all heads on these tickets."""
    fields = _fields(tickets, recipe, label)
    features = features_of(fields, texts_of(tickets))
    heads: dict[str, Head] = {}
    classes: dict[str, list[str]] = {}
    for name, labels in labels_of(tickets, directory, label).items():
        classes[name] = sorted(set(labels))
        truth = np.searchsorted(classes[name], labels)
        heads[name] = _fit_head(features, truth, len(classes[name]), recipe, label)
        if name == UNIT:
            classes[CENTROID] = classes[UNIT]
            heads[CENTROID] = fit_centroids(features, truth, len(classes[UNIT]))
        steps.next()
    joined = join_heads({name: (head.weights, head.intercepts) for name, head in heads.items()})
    counts = Counter(ticket.answer for ticket in tickets)
    log_prior = {answer: math.log(count / len(tickets)) for answer, count in counts.items()}
    return Fitted(TextModel(fields, joined, classes, {}), log_prior)


def _fit_head(
    features: sparse.csr_matrix, truth: NDArray[np.int64], classes: int, recipe: LocalRecipe, label: str
) -> Head:
    """Fit one head; a few topics of a few thousand letters are learned better by ridge regression than by SVMs."""
    if label != UNIT and len(truth) <= _MOST_FOR_RIDGE:
        signs = np.where(truth[:, None] == np.arange(classes), 1.0, -1.0)
        return fit_ridge(features, signs, penalty=_RIDGE)
    return fit_exclusive(features, truth, classes, c=recipe.svm_c, seed=recipe.seed)


def _fields(tickets: Sequence[Ticket], recipe: LocalRecipe, label: str) -> tuple[FieldVectoriser, ...]:
    """Title and content of tickets count as one text: most of a city's tickets have no title.

    Letters that are sorted by topic mostly have one, and it says what they are about, so there it is a field of its own.
    """
    texts = texts_of(tickets)
    weights = {"title": _TITLE_WEIGHT, "content": 1.0} if label != UNIT and any(texts["title"]) else {"text": 1.0}
    return tuple(
        FieldVectoriser(
            field,
            fit_vectoriser(
                [text for text in texts[field] if text],
                orders=recipe.orders,
                min_texts=recipe.min_texts,
                max_features=recipe.max_features,
            ),
            weight,
        )
        for field, weight in weights.items()
    )
