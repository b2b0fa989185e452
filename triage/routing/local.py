"""What a city's own tickets have taught: the local bundle in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.abstention import NEVER, threshold_for
from models.bundle import Bundle, Tensors
from models.confidence import ConfidenceModel, confidence_from
from models.contest import ContenderTrees, contender_trees_from
from models.dense_head import DenseHead, dense_head_from
from models.errors import BundleError
from models.ranker import CandidateRanker, ranker_from
from models.text_model import TextModel, text_model_from
from triage.directory import Directory, Unit
from triage.routing.contenders import contender_names
from triage.routing.doubt import DOUBTS
from triage.routing.features import FEATURES

UNIT, FUNCTION, AREA, CENTROID, BASE_FUNCTION = "unit", "function", "area", "centroid", "base_function"
DENSE = "dense"
"""Head of the network over dense vectors; its classes are those of ``unit``."""

CITY = "全市"
"""Class of the area head for units that serve the whole city."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How the trained router did on tickets it had not seen, the base of every automatic dispatch.

    Attributes:
        confidence: float32[n], top probability.
        correct: bool[n].
    """

    confidence: NDArray[np.float32]
    correct: NDArray[np.bool_]

    def threshold(self, precision: float) -> float:
        """Return the confidence from which the precision is proven, `models.abstention.NEVER` if from none."""
        return threshold_for(self.confidence, self.correct, precision=precision) if len(self.correct) else NEVER


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A local bundle.

    Attributes:
        version: Bundle name and fingerprint.
        label: Which column it was trained on; ``unit`` means places and functions count.
        text: Heads ``unit``, ``function``, ``area``, ``centroid`` over one vocabulary.
        ranker: Stacks the heads and the named evidence.
        trees: Look at the few serious candidates again; None where there were too few tickets to grow them.
        confidence: Says how sure to be of the first candidate.
        log_prior: Answer → log share in the history.
        held_out: The reliability record.
        strip: Whether call-takers' instructions were dropped in training.
        directory: The answers with what their names say; a list of units given at run time replaces it.
        dense: The network over dense vectors; None where there were too few tickets to train one.
        view: Fingerprint of the `triage.dense_view.DenseView` that it reads; empty without a network.
        learned_until: Up to when people's decisions in the store taught it; None where it learned from files only.
    """

    version: str
    label: str
    text: TextModel
    ranker: CandidateRanker
    trees: ContenderTrees | None
    confidence: ConfidenceModel
    log_prior: Mapping[str, float]
    held_out: HeldOut
    strip: bool
    directory: Directory
    dense: DenseHead | None = None
    view: str = ""
    learned_until: datetime | None = None


def local_model_from(bundle: Bundle) -> LocalModel:
    """Build the router's model from a verified bundle.

    Raises:
        BundleError: If the bundle is not a local one or its parts do not fit.
    """
    description = bundle.description
    if description.kind != "local":
        raise BundleError(f"bundle {description.name} is of kind {description.kind!r}; a local bundle is needed here")
    try:
        settings = description.settings
        text = text_model_from(bundle.tensors["text"], settings["text"], description.classes)
        ranker = ranker_from(bundle.tensors["ranker"], settings["ranker"], FEATURES)
        held_out = bundle.tensors["held_out"]
        answers = description.classes[UNIT]
        log_prior = dict(zip(answers, bundle.tensors["prior"]["log_prior"].tolist(), strict=True))
        return LocalModel(
            version=bundle.version,
            label=settings["label"],
            text=text,
            ranker=ranker,
            trees=_trees_from(bundle, ranker, text),
            confidence=confidence_from(bundle.tensors["confidence"], settings["confidence"], DOUBTS),
            log_prior=log_prior,
            held_out=HeldOut(held_out["confidence"], held_out["correct"].astype(bool)),
            strip=bool(settings["strip"]),
            directory=Directory(unit_from(row) for row in settings["units"]),
            dense=dense_head_from(bundle.tensors["dense"], classes=len(answers)) if settings["view"] else None,
            view=str(settings["view"]),
            learned_until=_moment(settings.get("learned_until")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"bundle {description.name}: {error!r} in its settings; train it again") from error


def _moment(stated: str | None) -> datetime | None:
    return datetime.fromisoformat(stated).astimezone(UTC) if stated else None


def _trees_from(bundle: Bundle, ranker: CandidateRanker, text: TextModel) -> ContenderTrees | None:
    names = bundle.description.settings["trees"]
    if not names:
        return None
    return contender_trees_from(bundle.tensors["trees"], names, contender_names(ranker.names, list(text.classes)))


def unit_from(row: Mapping[str, Any]) -> Unit:
    """Rebuild a unit from its stored form (`unit_row`)."""
    return Unit(
        name=row["name"],
        level=row["level"],
        parent=row["parent"],
        jurisdiction=row["jurisdiction"],
        function=row["function"],
        duties=tuple(row["duties"]),
        aliases=tuple(row["aliases"]),
    )


def unit_row(unit: Unit) -> dict[str, Any]:
    """Return the JSON form of a unit, without its dates: those are the directory's business at run time."""
    return {
        "name": unit.name,
        "level": unit.level,
        "parent": unit.parent,
        "jurisdiction": unit.jurisdiction,
        "function": unit.function,
        "duties": list(unit.duties),
        "aliases": list(unit.aliases),
    }


def local_tensors(model: LocalModel) -> dict[str, Tensors]:
    """Return the tensors of a local bundle, file stem → arrays."""
    prior = np.array([model.log_prior[answer] for answer in model.text.classes[UNIT]], dtype=np.float32)
    optional: dict[str, Tensors] = {"trees": model.trees.tensors()} if model.trees else {}
    if model.dense is not None:
        optional["dense"] = model.dense.tensors()
    return optional | {
        "text": model.text.tensors(),
        "ranker": model.ranker.tensors(),
        "confidence": model.confidence.tensors(),
        "prior": {"log_prior": prior},
        "held_out": {"confidence": model.held_out.confidence, "correct": model.held_out.correct.astype(np.uint8)},
    }
