"""The models' view of an appeal: every score a decision needs, computed for a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.linear import Scores
from models.text_model import TextModel, Weigh
from triage.base_model import CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE, BaseModel, base_fields
from triage.document import Document
from triage.evidence import joint_credit
from triage.routing.local import AREA, UNIT, LocalModel
from triage.routing.places import PlaceMention
from triage.routing.router import Ranking, UnitRouter

Vector = NDArray[np.float32]

_LOCAL_CREDIT = (UNIT, FUNCTION, AREA)
_RISK_COLUMNS = (1, 2)
"""Columns of the risk head whose sum ranks evidence: "level ≥ 2" and "level ≥ 3", where the warnings begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Scores of one appeal; all probabilities are calibrated.

    Attributes:
        document: The appeal as the models read it.
        functions: float32[f], probabilities of the base model's functions.
        categories: float32[c].
        types: float32[t].
        risk_level: 0 … 4.
        risk_levels: float32[5], probabilities.
        risk_score: P(level ≥ 3).
        factors: float32[14].
        emergency: P(someone must act within two hours).
        units: float32[u] over the router's units; empty without a router.
        places: Areas of the directory that the text names.
        phrases: Names, function words and duties that the text holds.
        local_area: Most probable area by the city's own model with its probability; None without one.
        risk_credit: float32[characters], what each adds to the risk.
        route_credit: float32[characters], what each adds to the first candidate over the second.
    """

    document: Document
    functions: Vector
    categories: Vector
    types: Vector
    risk_level: int
    risk_levels: Vector
    risk_score: float
    factors: Vector
    emergency: float
    units: Vector
    places: Sequence[PlaceMention]
    phrases: frozenset[str]
    local_area: tuple[str, float] | None
    risk_credit: Vector
    route_credit: Vector


def read_scores(
    documents: Sequence[Document], *, base: BaseModel, local: LocalModel | None, router: UnitRouter | None
) -> list[Reading]:
    """Score a batch of at least one document."""
    fields = base_fields(documents)
    features = base.text.features(fields)
    margins = base.text.margins(features)
    logs = {head: base.text.log_probabilities(margins, head) for head in (FUNCTION, CATEGORY, TYPE)}
    risk_columns = [base.text.heads.columns[RISK].start + column for column in _RISK_COLUMNS]
    risk_weights = base.text.heads.weights[:, risk_columns].sum(axis=1)
    risk_credit = _joint(documents, base.text.credit(fields, features, lambda columns, _: risk_weights[columns]))
    ranking, areas, route_credit = _route(documents, logs[FUNCTION], base, local, router, features=features)
    at_least = base.ordinal.at_least(margins[RISK])
    levels = base.ordinal.levels(margins[RISK])
    level_probabilities = base.ordinal.level_probabilities(margins[RISK])
    factors = base.factors.probabilities(margins[FACTORS])
    emergency = base.emergency.probabilities(margins[EMERGENCY])
    nothing = np.zeros(0, dtype=np.float32)
    return [
        Reading(
            document=document,
            functions=np.exp(logs[FUNCTION][i]),
            categories=np.exp(logs[CATEGORY][i]),
            types=np.exp(logs[TYPE][i]),
            risk_level=int(levels[i]),
            risk_levels=level_probabilities[i],
            risk_score=float(at_least[i, 2]),
            factors=factors[i],
            emergency=float(emergency[i, 0]),
            units=ranking.probabilities[i] if ranking else nothing,
            places=ranking.evidence.places[i] if ranking else (),
            phrases=frozenset(ranking.evidence.phrases[i]) if ranking else frozenset(),
            local_area=areas[i] if areas else None,
            risk_credit=risk_credit[i],
            route_credit=route_credit[i],
        )
        for i, document in enumerate(documents)
    ]


def _route(
    documents: Sequence[Document],
    functions: Scores,
    base: BaseModel,
    local: LocalModel | None,
    router: UnitRouter | None,
    *,
    features: sparse.csr_matrix,
) -> tuple[Ranking | None, list[tuple[str, float]] | None, list[Vector]]:
    """Rank units and say which characters spoke for the first one, by the model that mattered most."""
    if local is None or router is None:
        ranking = router.rank(documents, functions, base.text.classes[FUNCTION], {}) if router else None
        best = np.argsort(-functions, axis=1, kind="stable")[:, :2]
        credit = base.text.credit(base_fields(documents), features, _contrast(base.text, [(FUNCTION, 1.0, best)]))
        return ranking, None, _joint(documents, credit)
    texts = {"text": [document.text for document in documents]}
    local_features = local.text.features(texts)
    margins = local.text.margins(local_features)
    ranking = router.rank(documents, functions, base.text.classes[FUNCTION], margins)
    credit = local.text.credit(texts, local_features, _contrast(local.text, _local_heads(local, router, ranking)))
    return ranking, _areas(local, margins), credit["text"]


def _areas(local: LocalModel, margins: dict[str, Scores]) -> list[tuple[str, float]] | None:
    if AREA not in local.text.classes:
        return None
    logs = local.text.log_probabilities(margins, AREA)
    names = local.text.classes[AREA]
    return [(names[int(row.argmax())], float(np.exp(row.max()))) for row in logs]


def _local_heads(local: LocalModel, router: UnitRouter, ranking: Ranking) -> list[tuple[str, float, NDArray[np.int64]]]:
    """Return (head, weight in the ranker per margin, int64[n, 2] columns of the two best units' classes)."""
    best = np.argsort(-ranking.probabilities, axis=1, kind="stable")[:, :2]
    weights = dict(zip(local.ranker.names, local.ranker.weights.tolist(), strict=True))
    return [
        (head, weights[head] / local.text.temperatures[head], router.columns_of(head)[best])
        for head in _LOCAL_CREDIT
        if head in local.text.temperatures and weights.get(head, 0.0) > 0.0
    ]


def _contrast(model: TextModel, heads: list[tuple[str, float, NDArray[np.int64]]]) -> Weigh:
    """Weigh features by what they add to the first candidate over the second."""
    weights = model.heads.weights

    def weigh(columns: NDArray[np.int64], rows: NDArray[np.int64]) -> Scores:
        total = np.zeros(len(columns), dtype=np.float32)
        for head, factor, best in heads:
            start = model.heads.columns[head].start
            first, second = best[rows, 0], best[rows, -1]
            total += factor * np.where(first >= 0, weights[columns, start + first], 0.0)
            total -= factor * np.where(second >= 0, weights[columns, start + second], 0.0)
        return total

    return weigh


def _joint(documents: Sequence[Document], credit: dict[str, list[Vector]]) -> list[Vector]:
    return [
        joint_credit(document, title, content)
        for document, title, content in zip(documents, credit["title"], credit["content"], strict=True)
    ]
