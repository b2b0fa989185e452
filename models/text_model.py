"""One vocabulary, many linear heads, each with its classes and its temperature: text in, calibrated arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import log_softmax

from models.bundle import Tensors
from models.errors import BundleError
from models.linear import LinearHeads, Scores, dequantise, quantise
from models.ngrams import NgramVectoriser, fold, occurrences, unit_rows

VERSION = "char_linear.v1"

Fields = Mapping[str, Sequence[str]]
"""Field name → one text per appeal; all fields hold the same number of texts."""

Weigh = Callable[[NDArray[np.int64], NDArray[np.int64]], Scores]


@dataclass(frozen=True, slots=True)
class FieldVectoriser:
    """The features of one field of an appeal.

    Attributes:
        field: Key in `Fields`.
        vectoriser: TF-IDF of this field, with its own vocabulary: 噪音 in a title is another feature than in the text.
        weight: Length of this field's vector before all fields together are scaled to length 1.
    """

    field: str
    vectoriser: NgramVectoriser
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TextModel:
    """Linear heads over character n-grams of one or more fields.

    Attributes:
        fields: Field vectorisers in the order of their feature columns.
        heads: float32[n, v] → margins of all heads in one product.
        classes: Head → class names in column order.
        temperatures: Head → t of ``softmax(margin / t)``; only for heads whose classes exclude each other.
    """

    fields: tuple[FieldVectoriser, ...]
    heads: LinearHeads
    classes: Mapping[str, list[str]]
    temperatures: Mapping[str, float]

    def features(self, texts: Fields) -> sparse.csr_matrix:
        """Return float32[n, v], rows of length 1."""
        return features_of(self.fields, texts)

    def margins(self, features: sparse.csr_matrix) -> dict[str, Scores]:
        """Return head → float32[n, classes], uncalibrated."""
        return self.heads.scores(features)

    def log_probabilities(self, margins: Mapping[str, Scores], head: str) -> Scores:
        """Return float32[n, classes] of one exclusive head; rows are natural logarithms that sum to probability one."""
        return np.asarray(log_softmax(margins[head] / self.temperatures[head], axis=1), dtype=np.float32)

    def credit(self, texts: Fields, features: sparse.csr_matrix, weigh: Weigh) -> dict[str, list[Scores]]:
        """Share a weighted sum of features out over the characters that caused them.

        Args:
            texts: The n appeals' fields.
            features: ``features(texts)``.
            weigh: (feature columns int64[m], appeal rows int64[m]) → float32[m], what one unit of a feature counts.

        Returns:
            Field → for each appeal float32[characters]. An n-gram's part is spread evenly over its characters, so all
            characters together give the weighted sum.
        """
        shares = {}
        at = 0
        features.sort_indices()
        for part in self.fields:
            shares[part.field] = _credit(part.vectoriser, texts[part.field], features, weigh, at)
            at += part.vectoriser.size
        return shares

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store; weights as int8 with one scale per column."""
        weights, scale = quantise(self.heads.weights)
        stored: dict[str, NDArray[Any]] = {"weights": weights, "scale": scale, "intercepts": self.heads.intercepts}
        for part in self.fields:
            stored[f"vocabulary_{part.field}"] = part.vectoriser.vocabulary
            stored[f"idf_{part.field}"] = part.vectoriser.idf
        return stored

    def settings(self) -> dict[str, Any]:
        """Return the small facts to store in the manifest."""
        return {
            "fields": [
                {"field": part.field, "orders": list(part.vectoriser.orders), "weight": part.weight}
                for part in self.fields
            ],
            "heads": list(self.heads.columns),
            "temperatures": dict(self.temperatures),
        }


def features_of(fields: Sequence[FieldVectoriser], texts: Fields) -> sparse.csr_matrix:
    """Return float32[n, v]: the fields' weighted vectors side by side, each row scaled to length 1."""
    if len(fields) == 1:
        return fields[0].vectoriser.transform(texts[fields[0].field])
    parts = [part.vectoriser.transform(texts[part.field]) * np.float32(part.weight) for part in fields]
    return unit_rows(sparse.hstack(parts, format="csr", dtype=np.float32))


def text_model_from(tensors: Tensors, settings: Mapping[str, Any], classes: Mapping[str, list[str]]) -> TextModel:
    """Rebuild a model from what `TextModel.tensors` and `TextModel.settings` gave.

    Raises:
        BundleError: If arrays and settings do not fit together.
    """
    try:
        columns, at = {}, 0
        for head in settings["heads"]:
            columns[head] = slice(at, at + len(classes[head]))
            at += len(classes[head])
        fields = tuple(_field_from(tensors, row) for row in settings["fields"])
        heads = LinearHeads(dequantise(tensors["weights"], tensors["scale"]), tensors["intercepts"], columns)
        temperatures = {head: float(t) for head, t in settings["temperatures"].items()}
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"text model: {error!r} in its tensors or settings; train the bundle again") from error
    size = sum(part.vectoriser.size for part in fields)
    if heads.weights.shape != (size, at) or heads.intercepts.shape != (at,):
        raise BundleError("text model: weights do not fit vocabulary and classes; train the bundle again")
    return TextModel(fields, heads, {head: list(classes[head]) for head in columns}, temperatures)


def _field_from(tensors: Tensors, row: Mapping[str, Any]) -> FieldVectoriser:
    low, high = row["orders"]
    vocabulary, idf = tensors[f"vocabulary_{row['field']}"], tensors[f"idf_{row['field']}"]
    return FieldVectoriser(row["field"], NgramVectoriser(vocabulary, idf, (low, high)), float(row["weight"]))


def _credit(
    vectoriser: NgramVectoriser, texts: Sequence[str], features: sparse.csr_matrix, weigh: Weigh, offset: int
) -> list[Scores]:
    found = occurrences(fold(texts), orders=vectoriser.orders)
    columns = vectoriser.lookup(found.keys)
    known = columns >= 0
    columns, rows = columns[known] + offset, found.texts[known].astype(np.int64)
    positions, orders = found.positions[known].astype(np.int64), found.orders[known]
    share = _value_per_occurrence(features, rows, columns) * weigh(columns, rows) / orders
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    total = np.zeros(int(lengths.sum()), dtype=np.float64)
    for step in range(vectoriser.orders[1]):
        at = positions + step
        # The boundary mark before and after a text is no character of it; its share is dropped.
        inside = (orders > step) & (at >= 0) & (at < lengths[rows])
        total += np.bincount(starts[rows[inside]] + at[inside], weights=share[inside], minlength=len(total))
    return [np.asarray(part, dtype=np.float32) for part in np.split(total, starts[1:])]


def _value_per_occurrence(features: sparse.csr_matrix, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Scores:
    """Return each occurrence's part of its feature's value (the value divided by how often the n-gram occurs)."""
    width = features.shape[1]
    stored = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr)) * width + features.indices
    place = np.searchsorted(stored, rows * width + columns)
    counts = np.bincount(place, minlength=len(stored))
    return np.asarray(features.data[place] / counts[place], dtype=np.float32)
