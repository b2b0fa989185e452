"""Stacks a city's heads: temperatures, ranker, trees, confidence and record, from tickets the heads have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.calibration import temperature
from models.confidence import ConfidenceModel
from models.dense_head import DenseHead
from models.linear import Scores
from models.ranker import CandidateRanker
from models.text_model import TextModel
from training.confidence_fit import fit_confidence
from training.contest_fit import Table, fit_choosers, unseen_choices
from triage.base_model import BaseModel, base_fields
from triage.directory import Directory
from triage.document import Document
from triage.reading import function_logs
from triage.routing.contenders import Surroundings
from triage.routing.doubt import doubt_features, doubt_names
from triage.routing.features import FEATURES
from triage.routing.local import AREA, BASE_FUNCTION, DENSE, FUNCTION, UNIT, HeldOut, LocalModel
from triage.routing.router import UnitRouter, area_class

_PLAIN_FEATURES = ("unit", "dense", "centroid", "prior")

MOST_SEEN = 0.05
"""Share of tickets the base model may have learned from before its own view is left out."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One handled ticket: the appeal as the models read it, and the right answer."""

    document: Document
    answer: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """Heads and priors of one set of tickets, before anything is stacked.

    Attributes:
        text: The heads over n-grams.
        log_prior: Answer → log share.
        dense: The network over dense vectors; None where there are too few tickets.
    """

    text: TextModel
    log_prior: dict[str, float]
    dense: DenseHead | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Tickets with the margins of heads that learned from other tickets only.

    Attributes:
        heads: Those heads.
        tickets: The tickets.
        margins: Head → float32[n, classes]; of the network log-probabilities.
    """

    heads: Fitted
    tickets: Sequence[Ticket]
    margins: Mapping[str, Scores]


def block_of(heads: Fitted, tickets: Sequence[Ticket], vectors: Scores | None = None) -> Block:
    """Score tickets with heads that have not seen them.

    Args:
        heads: The heads.
        tickets: The tickets.
        vectors: What the network reads of them; needed where there is one.
    """
    margins = heads.text.margins(heads.text.features(texts_of(tickets)))
    if heads.dense is not None and vectors is not None:
        margins[DENSE] = heads.dense.log_probabilities(vectors)
    return Block(heads, tickets, margins)


def texts_of(tickets: Sequence[Ticket]) -> dict[str, list[str]]:
    """Return the tickets' texts by field."""
    documents = [ticket.document for ticket in tickets]
    return {"text": [document.text for document in documents], **base_fields(documents)}


def labels_of(tickets: Sequence[Ticket], directory: Directory, label: str) -> dict[str, list[str]]:
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


def stack(
    blocks: Sequence[Block], directory: Directory, *, label: str, base: BaseModel | None, seed: int
) -> LocalModel:
    """Fit everything behind the heads.

    Confidence and record come from choosers that had not seen the tickets; the record, from which the automatic threshold is
    chosen, is the last block alone, the one nearest to the tickets to come.

    Args:
        blocks: In order of time, each with heads of its own.
        directory: All units.
        label: Column of the answers.
        base: The base model; None leaves its view out.
        seed: Of folds and trees.

    Returns:
        A model whose heads are those of the last block; the caller puts the final ones in.
    """
    temperatures = _temperatures(blocks, directory, label)
    table = _table(blocks, directory, temperatures, label=label, base=base)
    prior = _expected(base, table.names)
    choosers = fit_choosers(table, prior=prior, seed=seed)
    choice = unseen_choices(table, prior=prior, seed=seed)
    correct = choice.probabilities.argmax(axis=1) == table.truth
    doubts = doubt_names(table.names, list(table.around.margins), trees=choosers.trees is not None)
    doubtful = doubt_features(choice, table.features, table.names, table.around, doubts)
    confidence = fit_confidence(doubtful, correct, doubts)
    latest = slice(-len(blocks[-1].tickets), None)
    return replace(
        _blank(blocks[-1].heads, directory, temperatures, label=label),
        ranker=choosers.ranker,
        trees=choosers.trees,
        confidence=confidence,
        held_out=HeldOut(confidence.probabilities(doubtful[latest]), correct[latest]),
    )


def _table(
    blocks: Sequence[Block],
    directory: Directory,
    temperatures: Mapping[str, float],
    *,
    label: str,
    base: BaseModel | None,
) -> Table:
    """Compute the features of all blocks, one under the other."""
    tickets = [ticket for block in blocks for ticket in block.tickets]
    logs = _base_functions(base, tickets) if label == UNIT else None
    left_out = {BASE_FUNCTION} if logs is None else set()
    names = _names(label, left_out if DENSE in blocks[0].margins else left_out | {DENSE})
    features, surroundings = [], []
    at = 0
    for block in blocks:
        model = _blank(block.heads, directory, temperatures, label=label)
        router = UnitRouter(directory, model.ranker, local=model)
        scores = router.local_scores(model, block.margins)
        if base is not None and logs is not None:
            own = logs[at : at + len(block.tickets)]
            scores[BASE_FUNCTION] = router.spread(own, BASE_FUNCTION, base.text.classes[FUNCTION])
        documents = [ticket.document for ticket in block.tickets]
        features.append(router.features.compute(router.features.evidence(documents), scores, names))
        surroundings.append(router.surroundings(block.margins, documents))
        at += len(block.tickets)
    column = {unit.name: i for i, unit in enumerate(directory.units)}
    truth = np.array([column[ticket.answer] for ticket in tickets])
    return Table(names, np.concatenate(features), _joined(surroundings), truth, texts_of(tickets)["text"])


def _joined(parts: Sequence[Surroundings]) -> Surroundings:
    margins = {head: np.concatenate([part.margins[head] for part in parts]) for head in parts[0].margins}
    return Surroundings(margins, parts[0].groups, np.concatenate([part.lengths for part in parts]))


def _blank(heads: Fitted, directory: Directory, temperatures: Mapping[str, float], *, label: str) -> LocalModel:
    """Return a model with heads only, to compute features with."""
    nothing = np.zeros(0, np.float32)
    return LocalModel(
        version="",
        label=label,
        text=replace(heads.text, temperatures=temperatures),
        ranker=CandidateRanker((), nothing),
        trees=None,
        confidence=ConfidenceModel((), nothing, 0.0),
        log_prior=heads.log_prior,
        held_out=HeldOut(nothing, np.zeros(0, bool)),
        strip=True,
        directory=directory,
    )


def _names(label: str, left_out: set[str]) -> tuple[str, ...]:
    """Return the features of the ranker."""
    names = _PLAIN_FEATURES if label != UNIT else tuple(FEATURES)
    return tuple(name for name in names if name not in left_out)


def _base_functions(base: BaseModel | None, tickets: Sequence[Ticket]) -> Scores | None:
    """Return the base model's log-probabilities of the functions, or None where it knows these very tickets.

    Had the base bundle learned from these tickets, it would look wiser on them than it will be on the next ones.
    """
    if base is None or sum(base.has_seen(ticket.document.text) for ticket in tickets) > MOST_SEEN * len(tickets):
        return None
    return function_logs(base, [ticket.document for ticket in tickets])


def _expected(base: BaseModel | None, features: Sequence[str]) -> dict[str, float]:
    """Return the day-one ranker's weights as what to expect before any ticket is seen."""
    if base is None:
        return {}
    weights = dict(zip(base.ranker.names, base.ranker.weights.tolist(), strict=True))
    if BASE_FUNCTION in features:
        weights[BASE_FUNCTION] = weights.pop(FUNCTION)
    return weights


def _temperatures(blocks: Sequence[Block], directory: Directory, label: str) -> dict[str, float]:
    """Fit one temperature per head and block and take their geometric mean."""
    found: dict[str, list[float]] = {}
    for block in blocks:
        for head, truth in labels_of(block.tickets, directory, label).items():
            index = {name: i for i, name in enumerate(block.heads.text.classes[head])}
            columns = np.array([index.get(name, -1) for name in truth])
            known = columns >= 0
            fitted = temperature(block.margins[head][known], columns[known]) if known.any() else 1.0
            found.setdefault(head, []).append(fitted)
    return {head: float(np.exp(np.mean(np.log(values)))) for head, values in found.items()}
