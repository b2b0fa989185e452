"""The models' view of an appeal: every score a decision needs, computed for a whole batch at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.calibration import Platt, probabilities
from models.clauses import ClauseLayout, document_features
from models.encoder import EncoderReading, OnnxEncoder
from models.linear import Scores
from models.ngrams import fold, occurrences
from models.ordinal import OrdinalModel
from models.text_model import TextModel, Weigh
from models.word_space import ORDERS, Meaning
from triage.base_model import (
    CALL_FUNCTION,
    CATEGORY,
    CHANNEL,
    EMERGENCY,
    FACTORS,
    FUNCTION,
    RISK,
    ROUTE_HEADS,
    TYPE,
    BaseModel,
    base_fields,
)
from triage.clause_reading import ClauseTexts, extents_of, read_clauses
from triage.dense_view import DenseView
from triage.document import Document
from triage.evidence import Clauses, joint_credit
from triage.routing.local import AREA, DENSE, UNIT, LocalModel
from triage.routing.places import PlaceMention
from triage.routing.router import Ranking, UnitRouter
from triage.second_opinion import SecondOpinion

Vector = NDArray[np.float32]

_SUREST = 0.95
"""Largest share of either model in the function."""

_CHUNK = 512
"""Texts whose n-gram occurrences are held at once where thousands are read."""

_LOCAL_CREDIT = (UNIT, FUNCTION, AREA)


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
        clauses: The clauses with what they prove about the risk.
        route_credit: float32[characters], what each adds to the first candidate over the second.
        vector: float32[d] of unit length, the encoder's; None where no encoder read it.
        encoder: Fingerprint of that encoder.
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
    clauses: Clauses
    route_credit: Vector
    vector: Vector | None = None
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the models answer, whether or not an encoder had a say.

    Attributes:
        functions: float32[n, f], log-probabilities.
        categories: float32[n, c], log-probabilities.
        types: float32[n, t], probabilities.
        margins: RISK, FACTORS, EMERGENCY → float32[n, c].
        ordinal: Calibration of the risk.
        factors: Of the factors.
        emergency: Of the emergency.
    """

    functions: Scores
    categories: Scores
    types: Scores
    margins: Mapping[str, Scores]
    ordinal: OrdinalModel
    factors: Platt
    emergency: Platt


def read_scores(
    documents: Sequence[Document],
    *,
    base: BaseModel,
    local: LocalModel | None,
    router: UnitRouter | None,
    view: DenseView | None = None,
    encoder: OnnxEncoder | None = None,
    second: SecondOpinion | None = None,
) -> list[Reading]:
    """Score a batch of at least one document.

    Args:
        documents: The appeals.
        base: The base model.
        local: The city's own model, if there is one.
        router: Ranks the city's units, if it has a list.
        view: What the network of the local model reads; needed if it has one.
        encoder: Reads them too, if there is one.
        second: Mixes what it says with the base model's answers.
    """
    features = base.text.features(base_fields(documents))
    clauses = read_clauses(documents)
    meaning = base.meaning.space.read(clauses.found, extents_of(documents))
    margins = base_margins(base, features, meaning)
    said = encoder.read([document.text for document in documents]) if encoder else None
    scores = base.clauses.scores(clauses.found, clauses.layout)
    judged = base.judge.margins(judge_inputs(margins, clauses, scores))
    answers = _answers(base, margins, judged, said, second)
    dense = None
    if local and local.dense and view:
        dense = local.dense.log_probabilities(view.of(documents, meaning, said.vectors if said else None))
    # A local model learned beside the base model's own view of the function, not beside the mixed one.
    functions = base.text.log_probabilities(margins, FUNCTION) if local else answers.functions
    ranking, areas, route_credit = _route(
        documents, functions, base, local, router, features=features, shares=call_shares(margins), dense=dense
    )
    at_least = answers.ordinal.at_least(answers.margins[RISK])
    levels = answers.ordinal.levels(answers.margins[RISK])
    level_probabilities = answers.ordinal.level_probabilities(answers.margins[RISK])
    factors = answers.factors.probabilities(answers.margins[FACTORS])
    emergency = answers.emergency.probabilities(answers.margins[EMERGENCY])
    quotable = split_clauses(clauses.layout, scores)
    nothing = np.zeros(0, dtype=np.float32)
    return [
        Reading(
            document=document,
            functions=np.exp(answers.functions[i]),
            categories=np.exp(answers.categories[i]),
            types=answers.types[i],
            risk_level=int(levels[i]),
            risk_levels=level_probabilities[i],
            risk_score=float(at_least[i, 2]),
            factors=factors[i],
            emergency=float(emergency[i, 0]),
            units=ranking.probabilities[i] if ranking else nothing,
            places=ranking.evidence.places[i] if ranking else (),
            phrases=frozenset(ranking.evidence.phrases[i]) if ranking else frozenset(),
            local_area=areas[i] if areas else None,
            clauses=quotable[i],
            route_credit=route_credit[i],
            vector=said.vectors[i] if said else None,
            encoder=encoder.fingerprint if encoder else "",
        )
        for i, document in enumerate(documents)
    ]


def _answers(
    base: BaseModel,
    margins: Mapping[str, Scores],
    judged: Mapping[str, Scores],
    said: EncoderReading | None,
    second: SecondOpinion | None,
) -> _Answers:
    """Return the base model's answers, mixed with the encoder's where there are weights for that."""
    if said is None or second is None:
        return _Answers(
            functions=base.text.log_probabilities(margins, FUNCTION),
            categories=base.text.log_probabilities(margins, CATEGORY),
            types=probabilities(judged[TYPE], base.type_temperature),
            margins=judged,
            ordinal=base.ordinal,
            factors=base.factors,
            emergency=base.emergency,
        )
    opinion, fusion = second.mix(margins, judged, said, call_shares(margins)), second.fusion
    return _Answers(
        functions=opinion.logs[FUNCTION],
        categories=opinion.logs[CATEGORY],
        types=opinion.types,
        margins=opinion.margins,
        ordinal=fusion.ordinal,
        factors=fusion.factors,
        emergency=fusion.emergency,
    )


def function_logs(base: BaseModel, documents: Sequence[Document]) -> Scores:
    """Return float32[n, f]: the base model's log-probabilities of the functions for at least one document."""
    parts = []
    for at in range(0, len(documents), _CHUNK):
        chunk = documents[at : at + _CHUNK]
        found = occurrences(fold([document.text for document in chunk]), orders=ORDERS)
        meaning = base.meaning.space.read(found, extents_of(chunk))
        margins = base_margins(base, base.text.features(base_fields(chunk)), meaning)
        parts.append(base.text.log_probabilities(margins, FUNCTION))
    return np.vstack(parts)


def base_margins(base: BaseModel, features: sparse.csr_matrix, meaning: Meaning) -> dict[str, Scores]:
    """Return head → float32[n, classes]: n-grams and the meaning of words together, the function mixed.

    Args:
        base: The model.
        features: ``base.text.features(...)`` of n documents.
        meaning: The same documents in its word space.
    """
    added = base.meaning.added(meaning)
    margins = base.text.margins(features)
    return mixed_margins({head: margins[head] + added[:, columns] for head, columns in base.text.heads.columns.items()})


def call_shares(margins: Mapping[str, Scores]) -> Vector:
    """Return float32[n]: how much each text is taken for a call-taker's note, never quite 0 or 1."""
    share = np.clip(0.5 + 0.5 * margins[CHANNEL][:, 0], 1.0 - _SUREST, _SUREST)
    return np.asarray(share, dtype=np.float32)


def mixed_margins(margins: Mapping[str, Scores]) -> dict[str, Scores]:
    """Mix the function of letters and that of hotline tickets by what the text looks like.

    Either model alone loses ten points on the other's texts: a ticket says 市民来电反映 and names the place first, a
    letter tells a story.
    """
    share = call_shares(margins)[:, None]
    function = (1.0 - share) * margins[FUNCTION] + share * margins[CALL_FUNCTION]
    return {**margins, FUNCTION: np.asarray(function, dtype=np.float32)}


def judge_inputs(margins: Mapping[str, Scores], clauses: ClauseTexts, scores: Scores) -> Scores:
    """Return float32[n, p], what the second level reads, in the order of `judge_input_names`.

    Args:
        margins: Of all first-level heads, signals in their order.
        clauses: The same texts' clauses and cues.
        scores: float32[m, 2] of the clauses.
    """
    signals = [values for head, values in margins.items() if head not in ROUTE_HEADS]
    return np.hstack([*signals, document_features(scores, clauses.layout), clauses.cues])


def split_clauses(layout: ClauseLayout, scores: Scores) -> list[Clauses]:
    """Deal the clauses of a batch out to their texts."""
    cuts = np.searchsorted(layout.owners, np.arange(1, layout.texts))
    parts = (np.split(array, cuts) for array in (layout.starts, layout.ends, scores))
    return [Clauses(starts, ends, values) for starts, ends, values in zip(*parts, strict=True)]


def _route(
    documents: Sequence[Document],
    functions: Scores,
    base: BaseModel,
    local: LocalModel | None,
    router: UnitRouter | None,
    *,
    features: sparse.csr_matrix,
    shares: Vector,
    dense: Scores | None,
) -> tuple[Ranking | None, list[tuple[str, float]] | None, list[Vector]]:
    """Rank units and say which characters spoke for the first one, by the model that mattered most."""
    if local is None or router is None:
        ranking = router.rank(documents, functions, base.text.classes[FUNCTION], {}) if router else None
        best = np.argsort(-functions, axis=1, kind="stable")[:, :2]
        heads = [(FUNCTION, 1.0 - shares, best), (CALL_FUNCTION, shares, best)]
        credit = base.text.credit(base_fields(documents), features, _contrast(base.text, heads))
        return ranking, None, _joint(documents, credit)
    texts = {"text": [document.text for document in documents], **base_fields(documents)}
    local_features = local.text.features(texts)
    margins = local.text.margins(local_features)
    scores = margins if dense is None else {**margins, DENSE: dense}
    ranking = router.rank(documents, functions, base.text.classes[FUNCTION], scores)
    credit = local.text.credit(texts, local_features, _contrast(local.text, _local_heads(local, router, ranking)))
    return ranking, _areas(local, margins), credit["text"] if "text" in credit else _joint(documents, credit)


def _areas(local: LocalModel, margins: dict[str, Scores]) -> list[tuple[str, float]] | None:
    if AREA not in local.text.classes:
        return None
    logs = local.text.log_probabilities(margins, AREA)
    names = local.text.classes[AREA]
    return [(names[int(row.argmax())], float(np.exp(row.max()))) for row in logs]


def _local_heads(
    local: LocalModel, router: UnitRouter, ranking: Ranking
) -> list[tuple[str, Vector, NDArray[np.int64]]]:
    """Return (head, float32[n] weight in the ranker per margin, int64[n, 2] columns of the two best units' classes)."""
    best = np.argsort(-ranking.probabilities, axis=1, kind="stable")[:, :2]
    weights = dict(zip(local.ranker.names, local.ranker.weights.tolist(), strict=True))
    same = np.ones(len(best), dtype=np.float32)
    return [
        (head, same * (weights[head] / local.text.temperatures[head]), router.columns_of(head)[best])
        for head in _LOCAL_CREDIT
        if head in local.text.temperatures and weights.get(head, 0.0) > 0.0
    ]


def _contrast(model: TextModel, heads: list[tuple[str, Vector, NDArray[np.int64]]]) -> Weigh:
    """Weigh features by what they add to the first candidate over the second."""
    weights = model.heads.weights

    def weigh(columns: NDArray[np.int64], rows: NDArray[np.int64]) -> Scores:
        total = np.zeros(len(columns), dtype=np.float32)
        for head, factor, best in heads:
            start = model.heads.columns[head].start
            first, second = best[rows, 0], best[rows, -1]
            total += factor[rows] * np.where(first >= 0, weights[columns, start + first], 0.0)
            total -= factor[rows] * np.where(second >= 0, weights[columns, start + second], 0.0)
        return total

    return weigh


def _joint(documents: Sequence[Document], credit: dict[str, list[Vector]]) -> list[Vector]:
    return [
        joint_credit(document, title, content)
        for document, title, content in zip(documents, credit["title"], credit["content"], strict=True)
    ]
