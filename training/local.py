"""Trains a local bundle on a city's own tickets."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.bundle import Description, write_bundle
from models.confidence import VERSION as CONFIDENCE_VERSION
from models.contest import VERSION as CONTEST_VERSION
from models.dense_head import VERSION as DENSE_VERSION
from models.dense_head import DenseHead
from models.linear import Scores, join_heads
from models.ngrams import fit_vectoriser
from models.ranker import VERSION as RANKER_VERSION
from models.text_model import VERSION as LINEAR_VERSION
from models.text_model import FieldVectoriser, TextModel, features_of
from training.config import LocalRecipe
from training.dense_fit import DenseRecipe, fit_dense
from training.linear_fit import Head, fit_centroids, fit_exclusive, fit_ridge
from training.local_stack import Fitted, Ticket, block_of, labels_of, stack, texts_of
from triage.base_model import BaseModel
from triage.dense_view import DenseView, TextEncoder
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

LEAST_FOR_NETWORK = 2000
"""Tickets below which no network is trained: half a million weights would learn a few hundred tickets by heart."""

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
    encoder: TextEncoder | None = None,
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
        encoder: Whose vectors the network reads beside the word space of the base model.
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
    steps = _Steps(progress or (lambda _done, _total: True), 13 if label == UNIT else 7)
    known = _directory_for(answers, directory, label=label)
    views = _Views(tickets, base, encoder)
    task = _Task(known, recipe, label, views, steps)
    blocks = []
    for others, block in _blocks(tickets, recipe):
        blocks.append(block_of(_fit(others, task), block, views.of(block)))
    stacked = stack(blocks, known, label=label, base=base, seed=recipe.seed)
    steps.next()
    final = _fit(tickets, task)
    text = replace(final.text, temperatures=stacked.text.temperatures)
    view = views.fingerprint if final.dense is not None else ""
    return replace(stacked, text=text, log_prior=final.log_prior, strip=strip, dense=final.dense, view=view)


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
            **({"dense": DENSE_VERSION} if model.dense else {}),
        },
        classes=dict(model.text.classes),
        settings={
            "label": model.label,
            "strip": model.strip,
            "text": model.text.settings(),
            "ranker": list(model.ranker.names),
            "trees": list(model.trees.names) if model.trees else [],
            "confidence": list(model.confidence.names),
            "view": model.view,
            "units": [unit_row(unit) for unit in model.directory.units],
            "learned_until": model.learned_until.isoformat() if model.learned_until else None,
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


class _Views:
    """What the network reads of each ticket; nothing where there are too few to train one, or no base model."""

    def __init__(self, tickets: Sequence[Ticket], base: BaseModel | None, encoder: TextEncoder | None) -> None:
        self._vectors: Scores | None = None
        self._rows = {id(ticket): row for row, ticket in enumerate(tickets)}
        self.fingerprint = ""
        if base is not None and len(tickets) >= LEAST_FOR_NETWORK:
            view = DenseView(base.meaning.space, encoder)
            self.fingerprint = view.fingerprint
            self._vectors = view.read([ticket.document for ticket in tickets])

    def of(self, tickets: Sequence[Ticket]) -> Scores | None:
        """Return float32[n, d] of some of the tickets."""
        if self._vectors is None:
            return None
        return self._vectors[[self._rows[id(ticket)] for ticket in tickets]]


class _Steps:
    """Counts the long steps for the progress callback."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def next(self) -> None:
        self._done += 1
        self._progress(self._done, self._total)


@dataclass(frozen=True, slots=True)
class _Task:
    """What every fit of one training has in common."""

    directory: Directory
    recipe: LocalRecipe
    label: str
    views: _Views
    steps: _Steps


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


def _fit(tickets: Sequence[Ticket], task: _Task) -> Fitted:
    """Fit all heads on these tickets."""
    fields = _fields(tickets, task.recipe, task.label)
    features = features_of(fields, texts_of(tickets))
    heads: dict[str, Head] = {}
    classes: dict[str, list[str]] = {}
    for name, labels in labels_of(tickets, task.directory, task.label).items():
        classes[name] = sorted(set(labels))
        truth = np.searchsorted(classes[name], labels)
        heads[name] = _fit_head(features, truth, len(classes[name]), task.recipe, task.label)
        if name == UNIT:
            classes[CENTROID] = classes[UNIT]
            heads[CENTROID] = fit_centroids(features, truth, len(classes[UNIT]))
        task.steps.next()
    joined = join_heads({name: (head.weights, head.intercepts) for name, head in heads.items()})
    counts = Counter(ticket.answer for ticket in tickets)
    log_prior = {answer: math.log(count / len(tickets)) for answer, count in counts.items()}
    return Fitted(TextModel(fields, joined, classes, {}), log_prior, _fit_network(tickets, classes[UNIT], task))


def _fit_network(tickets: Sequence[Ticket], classes: Sequence[str], task: _Task) -> DenseHead | None:
    """Fit the network over dense vectors where there are tickets enough."""
    vectors = task.views.of(tickets)
    task.steps.next()
    if vectors is None:
        return None
    truth = np.searchsorted(list(classes), [ticket.answer for ticket in tickets])
    return fit_dense(vectors, truth, len(classes), recipe=DenseRecipe(), seed=task.recipe.seed)


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
