"""What a base bundle's heads and an encoder's heads say together: weights, and a calibration of the mix.

Exclusive questions are mixed log-linearly (a product of experts with a weight each, Hinton 1999); yes/no questions by adding
the encoder's logit with a weight. Both experts must be the very ones the weights were fitted for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from models.calibration import Platt
from models.errors import EncoderError
from models.linear import Scores
from models.ordinal import OrdinalModel

VERSION = "fusion.v1"
FILE = "fusion.json"
"""Its name in the folder of the encoder."""

ABSENT = -20.0
"""Logit below the lowest one of a class that an encoder does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fusion:
    """How two models are mixed.

    Attributes:
        base: Fingerprint of the base bundle's heads.
        encoder: Fingerprint of the encoder.
        weights: Question → weight of each expert, the base bundle first. Exclusive questions: of log-probabilities. Yes/no
            questions: of margin and logit, the first being 1.
        ordinal: Mixed risk margins → levels.
        factors: Mixed factor margins → probabilities.
        factor_thresholds: float32[factors], probability from which a factor is shown.
        emergency: Mixed emergency margin → probability.
    """

    base: str
    encoder: str
    weights: Mapping[str, tuple[float, ...]]
    ordinal: OrdinalModel
    factors: Platt
    factor_thresholds: NDArray[np.float32]
    emergency: Platt

    def exclusive(self, question: str, experts: Sequence[Scores]) -> Scores:
        """Return float32[n, c], log-probabilities of a question with one right answer.

        Args:
            question: Its name.
            experts: float32[n, c] each, logits or margins in one order of classes.
        """
        return mixed_logs(experts, self.weights[question])

    def yes_no(self, question: str, margins: Scores, logits: Scores) -> Scores:
        """Return float32[n, c], the mixed margins of a question whose classes stand for themselves."""
        return np.asarray(margins + np.float32(self.weights[question][1]) * logits, dtype=np.float32)

    def to_json(self) -> str:
        """Return the file's content."""
        record = {
            "version": VERSION,
            "base": self.base,
            "encoder": self.encoder,
            "weights": {question: list(weights) for question, weights in self.weights.items()},
            "risk": {**_platt_record(self.ordinal.platt), "cuts": self.ordinal.cuts.tolist()},
            "factors": {**_platt_record(self.factors), "thresholds": self.factor_thresholds.tolist()},
            "emergency": _platt_record(self.emergency),
        }
        return json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def mixed_logs(experts: Sequence[Scores], weights: Sequence[float]) -> Scores:
    """Return float32[n, c], normalised log-probabilities of the weighted product of experts.

    Args:
        experts: float[n, c] each, logits.
        weights: One each.
    """
    total = np.zeros(experts[0].shape)
    for weight, expert in zip(weights, experts, strict=True):
        total += weight * log_softmax(expert.astype(np.float64), axis=1)
    return np.asarray(log_softmax(total, axis=1), dtype=np.float32)


def in_order(logits: Scores, known: Sequence[str], wanted: Sequence[str]) -> Scores:
    """Return float32[n, wanted]: an encoder's columns in another order; a class it does not know gets a very low logit."""
    index = {name: column for column, name in enumerate(known)}
    columns = np.array([index.get(name, -1) for name in wanted])
    found = np.asarray(logits[:, columns], dtype=np.float32)
    if (columns < 0).any():
        found[:, columns < 0] = logits.min(axis=1, keepdims=True) + ABSENT
    return found


def fusion_from(data: bytes) -> Fusion:
    """Read what `Fusion.to_json` wrote.

    Raises:
        EncoderError: It is something else.
    """
    try:
        return _fusion(json.loads(data.decode("utf-8")))
    except (UnicodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EncoderError(f"编码器的 {FILE} 缺少或写错了字段（{error!r}），请重新复制整个文件夹") from error


def _fusion(found: Mapping[str, Any]) -> Fusion:
    if found["version"] != VERSION or not found["weights"]:
        raise ValueError("version, weights")
    return Fusion(
        base=str(found["base"]),
        encoder=str(found["encoder"]),
        weights={str(name): _weights(values) for name, values in found["weights"].items()},
        ordinal=OrdinalModel(_platt(found["risk"]), _numbers(found["risk"]["cuts"])),
        factors=_platt(found["factors"]),
        factor_thresholds=_numbers(found["factors"]["thresholds"]),
        emergency=_platt(found["emergency"]),
    )


def _weights(values: Any) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if not found or not np.isfinite(found).all():
        raise ValueError("weights")
    return found


def _numbers(values: Any) -> NDArray[np.float32]:
    found = np.asarray(values, dtype=np.float32)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError("numbers")
    return found


def _platt(record: Mapping[str, Any]) -> Platt:
    return Platt(_numbers(record["slope"]), _numbers(record["shift"]))


def _platt_record(platt: Platt) -> dict[str, list[float]]:
    return {"slope": platt.slope.tolist(), "shift": platt.shift.tolist()}
