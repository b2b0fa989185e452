"""Which stored appeals may be about the same matter: ids and scores; the rows themselves are read under row-level security."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    text,
)

from triage.store import schema
from triage.store.signatures import ASKED, SearchKeys
from triage.store.vectors import Vectors

EXACT_BELOW = 4_000
"""Rows after a filter up to which all vectors are compared; 4,000 take about 4 ms."""

LEAST_CLOSENESS = 0.15
"""Candidates that are less close are not worth scoring: of the sample pairs that the scorer holds for one event at 0.4 or
more, none is; half of all candidates are."""

COMMON = 300
"""A string or name in more appeals than this proposes none."""

SHARED_WEIGHT = {"terms": 1.0, "places": 0.15, "text": 10.0, "appellant": 0.3}
"""What each kind of hit adds to the closeness; a dense score, a cosine, counts as it is. The same text goes before any
number of near copies, which would otherwise crowd it out."""

_MOMENT = DateTime(timezone=True)
_DENSE = text(
    "SELECT appeal_id, score FROM search_dense(:query, :encoder, :since, :until, :wanted, :exact_below)"
).bindparams(
    bindparam("query", type_=HALFVEC(schema.DIMENSIONS)),
    bindparam("encoder", type_=Text()),
    bindparam("since", type_=_MOMENT),
    bindparam("until", type_=_MOMENT),
)
_SHARED = text(
    "SELECT kind, appeal_id, score FROM search_shared("
    ":terms, :weights, :places, :text, :appellant, :since, :until, :wanted, :common)"
).bindparams(
    bindparam("terms", type_=ARRAY(Integer)),
    bindparam("weights", type_=ARRAY(REAL)),
    bindparam("places", type_=ARRAY(Integer)),
    bindparam("text", type_=BigInteger()),
    bindparam("appellant", type_=LargeBinary()),
    bindparam("since", type_=_MOMENT),
    bindparam("until", type_=_MOMENT),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Times between which appeals are looked for; None: no bound. ``until`` itself is outside."""

    since: datetime | None = None
    until: datetime | None = None


ANY_TIME = Window()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Query:
    """What is looked for.

    Attributes:
        vector: float32[256] of unit length; None leaves dense search out.
        encoder: Fingerprint of what made it; only its own vectors are compared.
        keys: Rare strings, names and text.
        unrelated: Cosine that this encoder gives to texts which have nothing in common; it counts as a closeness of 0.
        appellant: Keyed hash; None when unknown.
        window: When the appeals came in.
    """

    vector: Vectors | None
    encoder: str
    keys: SearchKeys | None
    unrelated: float = 0.0
    appellant: bytes | None = None
    window: Window = ANY_TIME


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate.

    Attributes:
        appeal_id: Which appeal.
        closeness: Sum over the kinds of hits; higher is closer, comparable within one search only.
        kinds: By which kind of search it was found → its score there: ``dense`` (cosine), ``terms`` (share of the asked
            rarity; far above 1 for a cited ticket), ``places``, ``text`` and ``appellant`` (1).
    """

    appeal_id: UUID
    closeness: float
    kinds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An appeal and the cosine of its vector with the query's, -1 to 1."""

    appeal_id: UUID
    cosine: float


def nearest(
    connection: Connection,
    vector: Vectors,
    *,
    encoder: str,
    wanted: int = 10,
    window: Window = ANY_TIME,
    exact_below: int = EXACT_BELOW,
) -> list[Neighbour]:
    """Return the nearest vectors of one encoder in the transaction's districts, nearest first.

    Args:
        connection: In a transaction with a scope.
        vector: float32[256] of unit length.
        encoder: Fingerprint of what made it.
        wanted: Most neighbours.
        window: When the appeals came in.
        exact_below: Filtered rows up to which all are compared instead of walking the graph.
    """
    rows = connection.execute(
        _DENSE,
        {
            "query": HalfVector(vector),
            "encoder": encoder,
            "since": window.since,
            "until": window.until,
            "wanted": wanted,
            "exact_below": exact_below,
        },
    )
    return [Neighbour(row.appeal_id, row.score) for row in rows]


def candidates(
    connection: Connection, query: Query, *, wanted: int = 24, per_kind: int = 30, least: float = -1.0
) -> list[Hit]:
    """Return appeals of the transaction's districts that may be about the same matter, closest first.

    Args:
        connection: In a transaction with a scope.
        query: What is looked for.
        wanted: Most candidates.
        per_kind: Most hits of each kind of search.
        least: Least closeness; the same text and cited tickets always pass.
    """
    kinds: dict[UUID, dict[str, float]] = {}
    closeness: dict[UUID, float] = {}
    if query.vector is not None:
        for near in nearest(connection, query.vector, encoder=query.encoder, wanted=per_kind, window=query.window):
            kinds.setdefault(near.appeal_id, {})["dense"] = near.cosine
            closeness[near.appeal_id] = closeness_of(near.cosine, unrelated=query.unrelated)
    if query.keys is not None:
        asked = query.keys.asked
        for row in connection.execute(_SHARED, _shared_parameters(query.keys, query, per_kind)):
            score = row.score / asked if row.kind == "terms" else row.score
            kinds.setdefault(row.appeal_id, {})[row.kind] = score
            closeness[row.appeal_id] = closeness.get(row.appeal_id, 0.0) + SHARED_WEIGHT[row.kind] * score
    close = [id_ for id_, value in closeness.items() if value >= least]
    best = sorted(close, key=lambda id_: (-closeness[id_], id_))[:wanted]
    return [Hit(id_, closeness[id_], kinds[id_]) for id_ in best]


def closeness_of(cosine: float, *, unrelated: float) -> float:
    """Return a cosine on a scale that all encoders share: 0 for texts that have nothing in common, 1 for the same text.

    A hashed projection gives strangers 0.0, a transformer often 0.6.
    """
    return (cosine - unrelated) / (1.0 - unrelated)


def _shared_parameters(keys: SearchKeys, query: Query, per_kind: int) -> dict[str, object]:
    return {
        "terms": keys.terms[:ASKED].tolist(),
        "weights": keys.weights[:ASKED].tolist(),
        "places": keys.places.tolist(),
        "text": keys.text,
        "appellant": query.appellant,
        "since": query.window.since,
        "until": query.window.until,
        "wanted": per_kind,
        "common": COMMON,
    }
