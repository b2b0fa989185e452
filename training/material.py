"""Reads every corpus of the base bundle and lays it out as the arrays the first level learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.ngrams import fit_vectoriser
from models.text_model import FieldVectoriser, features_of
from models.word_space import WordSpace, nearness
from training.base_heads import make_labels
from training.clause_fit import mark_clauses
from training.config import BaseRecipe
from training.corpus import (
    ANNOTATED,
    HOTLINE,
    Example,
    Petition,
    read_annotated,
    read_hotline,
    read_petitions,
    read_tickets,
    read_unlabelled,
)
from training.folds import grouped_folds
from training.linear_fit import Meaning
from training.signals import Material
from training.word_fit import fit_word_space, places_of, read_background
from triage.base_model import base_fields
from triage.document import Document

_LEAST_OF_A_TYPE = 50
"""Ticket types with fewer examples are left out."""


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of the corpora.

    Attributes:
        examples: Annotated letters, hotline tickets with a risk level, routed tickets.
        petitions: Letters with a first-level topic only.
        unlabelled: Letters without labels; some are annotated ones again.
        background: Lines of other kinds, which only teach what words mean.
    """

    examples: Sequence[Example]
    petitions: Sequence[Petition]
    unlabelled: Sequence[Document]
    background: Sequence[str]

    @classmethod
    def read(cls, corpus: Path) -> Texts:
        """Read the corpora from their folder."""
        tickets = read_tickets(corpus / "haikou12345" / "tickets_train.csv")
        examples = [*read_annotated(corpus), *read_hotline(corpus), *tickets]
        return cls(examples, read_petitions(corpus), read_unlabelled(corpus), read_background(corpus))


def fit_fields(texts: Texts, recipe: BaseRecipe) -> tuple[FieldVectoriser, ...]:
    """Learn the vocabularies of title and content."""
    words = base_fields([*(example.document for example in texts.examples), *texts.unlabelled])
    sizes = {"title": recipe.title_features, "content": recipe.max_features}
    weights = {"title": recipe.title_weight, "content": 1.0}
    return tuple(
        FieldVectoriser(
            field,
            fit_vectoriser(
                [text for text in words[field] if text],
                orders=recipe.orders,
                min_texts=recipe.min_texts,
                max_features=size,
            ),
            weights[field],
        )
        for field, size in sizes.items()
    )


def fit_words(texts: Texts, recipe: BaseRecipe) -> WordSpace:
    """Learn what words mean, and the landmarks among the letters."""
    letters = [example.document for example in texts.examples if example.source == ANNOTATED]
    calls = [example.document for example in texts.examples if example.source != ANNOTATED]
    return fit_word_space([*letters, *texts.unlabelled], calls, texts.background, recipe=recipe)


def make_material(texts: Texts, fields: tuple[FieldVectoriser, ...], words: WordSpace, recipe: BaseRecipe) -> Material:
    """Turn texts into features, labels and folds."""
    examples = texts.examples
    near = words.nearness(places_of(words, [example.document for example in examples]))
    own = [nearness(marks, marks, words.width) for marks in words.landmarks]
    types, type_names = _ticket_types(examples)
    topics = sorted({petition.topic for petition in texts.petitions})
    return Material(
        features=features_of(fields, base_fields([example.document for example in examples])),
        meaning=Meaning.of(near, own, recipe.views, share=recipe.meaning),
        labels=make_labels(examples),
        source=np.array([example.source for example in examples]),
        folds=grouped_folds([example.group for example in examples], folds=recipe.folds, seed=recipe.seed),
        pool=pool_features(texts, fields),
        petitions=features_of(fields, base_fields([petition.document for petition in texts.petitions])),
        petition_topics=np.array([topics.index(petition.topic) for petition in texts.petitions]),
        topics=topics,
        ticket_types=types,
        ticket_type_names=type_names,
        clauses=mark_clauses(examples),
    )


def pool_features(texts: Texts, fields: tuple[FieldVectoriser, ...]) -> sparse.csr_matrix:
    """Return float32[p, v]: the letters that teach nothing but how texts vary."""
    return features_of(fields, base_fields(_others(texts)))


def _others(texts: Texts) -> list[Document]:
    """Return the unlabelled letters that are no labelled example, each text once."""
    seen = {example.document.content.text for example in texts.examples}
    kept: dict[str, Document] = {}
    for document in texts.unlabelled:
        if document.content.text not in seen:
            kept.setdefault(document.content.text, document)
    return list(kept.values())


def _ticket_types(examples: Sequence[Example]) -> tuple[NDArray[np.int64], list[str]]:
    """Number the city's own types; not of tickets that are judged, whose type would otherwise leak."""
    judged = {example.document.content.text for example in examples if example.source == HOTLINE}
    types = ["" if e.document.content.text in judged else e.ticket_type for e in examples]
    names = sorted({name for name in types if name and types.count(name) >= _LEAST_OF_A_TYPE})
    index = {name: i for i, name in enumerate(names)}
    return np.array([index.get(name, -1) for name in types], dtype=np.int64), names
