"""The base bundle in memory: function, category, type, risk, factors, emergency, and what works without any history."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from models.bundle import Bundle
from models.calibration import Platt
from models.clauses import FEATURE_NAMES, ClauseModel, clause_model_from
from models.cues import CUE_NAMES
from models.errors import BundleError
from models.ordinal import OrdinalModel
from models.pairs import PairScorer
from models.ranker import CandidateRanker, ranker_from
from models.stacked import StackedHeads, stacked_from
from models.text_model import TextModel, text_model_from
from models.word_space import MeaningHeads, meaning_heads_from
from triage.document import Document
from triage.routing.features import FEATURES

FUNCTION, CATEGORY, TYPE, RISK, FACTORS, EMERGENCY = "function", "category", "type", "risk", "factors", "emergency"
CALL_FUNCTION = "call_function"
"""The function as a city's hotline tickets teach it."""

CHANNEL = "channel"
"""Above 0 for a call-taker's note, below for a citizen's own letter."""

ROUTE_HEADS = (FUNCTION, CATEGORY, CALL_FUNCTION)
"""Heads of the text model that answer; the others are signals for the second level."""

SEPARATOR = "/"
"""Joins l1 and l2 in the class names of the category head."""


def base_bundle_path() -> Path:
    """Return the folder of the bundle that ships with the project."""
    return Path(models.__file__).parent / "bundles" / "base"


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A base bundle.

    Attributes:
        version: Bundle name and fingerprint.
        text: Heads ``function`` (of letters), ``call_function`` and ``category`` (classes that exclude each other), and
            the signals that ``judge`` reads.
        meaning: What the meaning of the words adds to the margins of ``text``.
        clauses: Scores clauses; its document features are read by ``judge`` too.
        judge: Heads ``type`` (classes that exclude each other), ``risk`` (level ≥ 1 … 4), ``factors`` and ``emergency``
            (yes or no) over signals, clauses and cues.
        type_temperature: t of ``softmax(type margin / t)``.
        classes: Head of ``text`` or ``judge`` → class names in column order.
        ordinal: Risk margins → level probabilities and level.
        factors: Calibration of the factor margins.
        factor_thresholds: float32[14], probability from which a factor is shown.
        emergency: Calibration of the emergency margin.
        ranker: Ranks the units of a directory for a city without history.
        pairs: Same-event scorer.
        seen: uint32[m], ascending checksums of the texts it learned from.
        heads_fingerprint: Of everything but the pair scorer and the ranker; an encoder's weights beside it are fitted for it.
    """

    version: str
    text: TextModel
    meaning: MeaningHeads
    clauses: ClauseModel
    judge: StackedHeads
    type_temperature: float
    classes: Mapping[str, list[str]]
    ordinal: OrdinalModel
    factors: Platt
    factor_thresholds: NDArray[np.float32]
    emergency: Platt
    ranker: CandidateRanker
    pairs: PairScorer
    seen: NDArray[np.uint32]
    heads_fingerprint: str = ""

    def has_seen(self, text: str) -> bool:
        """Say whether the model learned from this very text (wrong once in some 100,000 texts)."""
        checksum = text_checksum(text)
        at = int(np.searchsorted(self.seen, checksum))
        return at < len(self.seen) and int(self.seen[at]) == checksum


def text_checksum(text: str) -> int:
    """Return the CRC-32 of a prepared text: enough to know it again, far too little to restore it."""
    return zlib.crc32(text.encode("utf-8", "replace"))


def base_fields(documents: Sequence[Document]) -> dict[str, list[str]]:
    """Return the fields the base model reads."""
    return {"title": [d.title.text for d in documents], "content": [d.content.text for d in documents]}


def base_model_from(bundle: Bundle) -> BaseModel:
    """Build the model from a verified bundle.

    Raises:
        BundleError: If the bundle is not a base bundle or its parts do not fit.
    """
    description = bundle.description
    if description.kind != "base":
        raise BundleError(f"bundle {description.name} is of kind {description.kind!r}; a base bundle is needed here")
    try:
        settings: Mapping[str, Any] = description.settings
        calibration = bundle.tensors["calibration"]
        text = text_model_from(bundle.tensors["text"], settings["text"], description.classes)
        return BaseModel(
            version=bundle.version,
            text=text,
            meaning=meaning_heads_from(bundle.tensors.get("meaning"), columns=text.heads.weights.shape[1]),
            clauses=clause_model_from(bundle.tensors["clauses"]),
            judge=_judge_from(bundle),
            type_temperature=float(settings["type_temperature"]),
            classes=description.classes,
            ordinal=OrdinalModel(_platt(calibration, RISK), calibration["risk_cuts"]),
            factors=_platt(calibration, FACTORS),
            factor_thresholds=calibration["factor_thresholds"],
            emergency=_platt(calibration, EMERGENCY),
            ranker=ranker_from(bundle.tensors["ranker"], settings["ranker"], FEATURES),
            pairs=PairScorer.from_state(bundle.tensors["pairs"]),
            seen=bundle.tensors["seen"]["checksums"],
            heads_fingerprint=_heads_fingerprint(bundle),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"bundle {description.name}: {error!r} in its parts; train it again") from error


def base_tensors(model: BaseModel) -> dict[str, Mapping[str, NDArray[Any]]]:
    """Return the tensors of a base bundle, file stem → arrays."""
    calibration: dict[str, NDArray[Any]] = {
        "risk_cuts": model.ordinal.cuts,
        "factor_thresholds": model.factor_thresholds,
    }
    for name, platt in ((RISK, model.ordinal.platt), (FACTORS, model.factors), (EMERGENCY, model.emergency)):
        calibration[f"{name}_slope"], calibration[f"{name}_shift"] = platt.slope, platt.shift
    return {
        "text": model.text.tensors(),
        "meaning": model.meaning.tensors(),
        "clauses": model.clauses.tensors(),
        "judge": model.judge.tensors(),
        "calibration": calibration,
        "ranker": model.ranker.tensors(),
        "pairs": model.pairs.state(),
        "seen": {"checksums": model.seen},
    }


def judge_input_names(signals: Sequence[str], classes: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the names of the second level's inputs: signals, clause features, cues, in this order."""
    named = (f"{signal}:{name}" for signal in signals for name in classes[signal])
    return (*named, *(f"clause:{name}" for name in FEATURE_NAMES), *(f"cue:{name}" for name in CUE_NAMES))


def _judge_from(bundle: Bundle) -> StackedHeads:
    settings, classes = bundle.description.settings, bundle.description.classes
    signals = [head for head in settings["text"]["heads"] if head not in ROUTE_HEADS]
    names = judge_input_names(signals, classes)
    return stacked_from(bundle.tensors["judge"], settings["judge"], classes, inputs=names)


def _heads_fingerprint(bundle: Bundle) -> str:
    """Return a checksum of the second level; it changes with every training of the first level too."""
    found = 0
    for part in ("judge", "clauses", "calibration"):
        for name, array in sorted(bundle.tensors[part].items()):
            found = zlib.crc32(np.ascontiguousarray(array).tobytes(), zlib.crc32(name.encode(), found))
    return f"{found:08x}"


def _platt(tensors: Mapping[str, NDArray[Any]], name: str) -> Platt:
    return Platt(tensors[f"{name}_slope"], tensors[f"{name}_shift"])
