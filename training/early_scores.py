"""The base bundle's risk for every message of the stream, from models that have learned nothing of its event.

The base bundle was taught by 1,425 of the 4,326 messages: read by it, the stream would be read with the answers at
hand. Here the messages are joined to matters (same annotated event, same group of near-duplicates, or linked), matters are
dealt to folds, and each message is read by both levels as fitted without its fold. Nothing is adapted for that: the
same functions fit the shipped bundle.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.calibration import fit_platt
from models.linear import Scores
from models.ordinal import OrdinalModel, fit_cuts
from training.base_heads import Labels
from training.config import BaseRecipe
from training.corpus import TICKETS, EventCorpus, Example, read_events
from training.material import Texts, fit_fields, fit_words, make_material, pool_features
from training.second_level import fit_judge
from training.signals import JUDGE_SIGNALS, JudgeInputs, LevelOne, Material, Teachers, stack_margins
from training.two_levels import signal_classes
from triage.base_model import RISK, TYPE, BaseModel, judge_input_names
from triage.clause_reading import ClauseTexts, read_clauses
from triage.document import Document, read_document
from triage.events.linker import EventLinker
from triage.linking import event_item
from triage.reading import judge_inputs

STREAM = "stream"
"""Source of the messages without annotation: no model learns from them, all are read."""

Rows = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRisk:
    """What models say of a message that have not seen its matter.

    Attributes:
        id: The message.
        fold: The fold that its models were fitted without.
        level: 0 … 4, before the rules of danger.
        at_least: P(level ≥ 1 … 4).
        type: Most probable type.
    """

    id: str
    fold: int
    level: int
    at_least: tuple[float, float, float, float]
    type: str


def score_stream(corpus: Path, recipe: BaseRecipe, base: BaseModel, *, say: Say) -> list[MessageRisk]:
    """Read all messages of the stream out of fold.

    Args:
        corpus: Folder of the corpora.
        recipe: Of the base bundle.
        base: Any base bundle; its pair scorer only says which messages must stay together.
        say: Takes a line on what is being done.
    """
    texts, events = Texts.read(corpus), read_events(corpus)
    documents = {message.id: read_document(message) for message in events.messages}
    examples = _with_matters(texts.examples, documents, _matters(texts.examples, documents, events, base))
    say("learning what words mean")
    material = make_material(
        replace(texts, examples=examples), fields := fit_fields(texts, recipe), fit_words(texts, recipe), recipe
    )
    material = replace(material, pool=pool_features(texts, fields))
    reader = _Reader(Teachers(material, recipe), material, examples)
    margins = reader.margins(say)
    ordinal = _calibrated(margins[RISK], material)
    names = material.labels.classes[TYPE]
    found = []
    for row, example in enumerate(examples):
        if example.document.appeal.id in documents and example.source != TICKETS:
            fold = int(material.folds[row])
            at_least = ordinal[fold].at_least(margins[RISK][[row]])[0]
            found.append(
                MessageRisk(
                    id=example.document.appeal.id,
                    fold=fold,
                    level=int(ordinal[fold].levels(margins[RISK][[row]])[0]),
                    at_least=tuple(round(float(p), 6) for p in at_least),  # type: ignore[arg-type]
                    type=names[int(margins[TYPE][row].argmax())],
                )
            )
    return found


def write_scores(scores: Iterable[MessageRisk], path: Path) -> None:
    """Write scores as CSV; ids and numbers only."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "fold", "level", "p1", "p2", "p3", "p4", "type"])
        for one in scores:
            writer.writerow([one.id, one.fold, one.level, *one.at_least, one.type])


def read_scores_file(path: Path) -> dict[str, MessageRisk]:
    """Read what `write_scores` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: MessageRisk(
                id=row["id"],
                fold=int(row["fold"]),
                level=int(row["level"]),
                at_least=(float(row["p1"]), float(row["p2"]), float(row["p3"]), float(row["p4"])),
                type=row["type"],
            )
            for row in csv.DictReader(file)
        }


class _Reader:
    """Fits both levels without each fold and reads there what was annotated and what was not."""

    def __init__(self, teachers: Teachers, material: Material, examples: Sequence[Example]) -> None:
        self._teachers, self._material = teachers, material
        self._folds: list[int] = sorted(set(material.folds.tolist()))
        self._judged = np.flatnonzero(material.labels.risk >= 0)
        self._stream = np.flatnonzero(material.source == STREAM)
        self._clauses = read_clauses([examples[row].document for row in self._stream.tolist()])
        self._names = judge_input_names(JUDGE_SIGNALS, signal_classes(material))
        self._parts: dict[tuple[int, ...], tuple[Rows, Scores]] = {}

    def margins(self, say: Say) -> dict[str, Scores]:
        """Return head → float32[n, c]; rows of tickets are zero."""
        material, n = self._material, len(self._material.folds)
        found = {head: np.zeros((n, len(material.labels.classes[head])), np.float32) for head in (RISK, TYPE)}
        for without in [*((k,) for k in self._folds), *combinations(self._folds, 2)]:
            say(f"first level without fold {' and '.join(str(k + 1) for k in without)}")
            self._parts[without] = self._read(self._teachers.fit(without), without)
        for fold in self._folds:
            say(f"second level without fold {fold + 1}")
            inputs, held = self._inputs(fold), np.flatnonzero(material.folds == fold)
            rows = self._judged[material.folds[self._judged] != fold]
            judge = fit_judge(inputs, material.labels, rows, names=self._names)
            held = held[material.source[held] != TICKETS]
            for head, values in judge.margins(inputs[held]).items():
                if head in found:
                    found[head][held] = values
        return found

    def _inputs(self, outer: int) -> Scores:
        """Return float32[n, p]: rows of the outer fold as read without it, the others as read without both."""
        material = self._material
        inputs = np.zeros((len(material.folds), self._parts[(outer,)][1].shape[1]), dtype=np.float32)
        for fold in self._folds:
            rows, values = self._parts[(fold,) if fold == outer else (min(fold, outer), max(fold, outer))]
            here = material.folds[rows] == fold
            inputs[rows[here]] = values[here]
        return inputs

    def _read(self, fitted: LevelOne, without: tuple[int, ...]) -> tuple[Rows, Scores]:
        material = self._material
        judged = self._judged[np.isin(material.folds[self._judged], without)]
        values = JudgeInputs.read(material, fitted, judged).values
        if len(without) == 2:
            return judged, values
        chosen = np.flatnonzero(np.isin(material.folds[self._stream], without))
        rows, clauses = self._stream[chosen], self._clauses.part(chosen)
        return np.concatenate([judged, rows]), np.vstack([values, _inputs_of(material, fitted, rows, clauses)])


def _inputs_of(material: Material, fitted: LevelOne, rows: Rows, clauses: ClauseTexts) -> Scores:
    scores = fitted.clauses.scores(clauses.found, clauses.layout)
    read = stack_margins(material.features[rows], material.meaning.nearness[rows], fitted.heads, JUDGE_SIGNALS)
    return judge_inputs({"all": read}, clauses, scores)


def _calibrated(margins: Scores, material: Material) -> dict[int, OrdinalModel]:
    """Return for each fold what turns margins into levels, learned on the other folds."""
    labels: Labels = material.labels
    found = {}
    for fold in set(material.folds.tolist()):
        rows = np.flatnonzero((labels.risk >= 0) & (material.folds != fold))
        platt = fit_platt(margins[rows], labels.yes_no[RISK][rows])
        expected = OrdinalModel(platt, np.zeros(4, np.float32)).at_least(margins[rows]).sum(axis=1)
        found[int(fold)] = OrdinalModel(platt, fit_cuts(expected, labels.risk[rows]))
    return found


def _matters(
    examples: Sequence[Example], documents: Mapping[str, Document], events: EventCorpus, base: BaseModel
) -> dict[str, str]:
    """Join messages that must not be parted and return message → matter."""
    linked = EventLinker(base.pairs).link([event_item(document) for document in documents.values()])
    keys = [(one.id, f"linked {one.event_id}") for one in linked]
    keys += [(event.id, f"event {event.event}") for event in events.events]
    keys += [(e.document.appeal.id, f"group {e.group}") for e in examples if e.document.appeal.id in documents]
    keys += [(id_, f"text {document.content.text}") for id_, document in documents.items()]
    return join_matters(documents, keys)


def join_matters(messages: Iterable[str], keys: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return message → matter, named after one of its messages; messages that share a key share the matter.

    Args:
        messages: Ids.
        keys: (message, key); a message may have several keys, and joins all that have any of them.
    """
    leader = {id_: id_ for id_ in messages}

    def root(id_: str) -> str:
        while leader[id_] != id_:
            leader[id_] = leader[leader[id_]]
            id_ = leader[id_]
        return id_

    first: dict[str, str] = {}
    for id_, key in keys:
        leader[root(id_)] = root(first.setdefault(key, id_))
    return {id_: root(id_) for id_ in leader}


def _with_matters(
    examples: Sequence[Example], documents: Mapping[str, Document], matters: Mapping[str, str]
) -> list[Example]:
    """Return the examples, grouped by matter where they are of the stream, and the rest of the stream."""
    ids = {example.document.appeal.id for example in examples}
    kept = [
        replace(example, group=f"m{matters[example.document.appeal.id]}")
        if example.document.appeal.id in matters
        else example
        for example in examples
    ]
    rest = [
        Example(document=document, source=STREAM, group=f"m{matters[id_]}")
        for id_, document in documents.items()
        if id_ not in ids
    ]
    return [*kept, *rest]
