"""What waits for a person, with what tells how much would be learned from it; and the texts of a time, masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, DateTime, bindparam, text

_MOMENT = DateTime(timezone=True)

# Neighbours are the linked appeals that wait as well: a decision about one of them is a hint for all.
_WAITING = text(
    """
    WITH open AS (
      SELECT a.id, a.event_id, a.received_at, a.decision_version, s.appeal_id IS NOT NULL AS sampled
      FROM appeals a LEFT JOIN dispatches s ON s.appeal_id = a.id AND s.outcome = 'sampled' AND s.agreed IS NULL
      WHERE a.case_state = 'waiting' AND a.delivery_state <> 'held' AND a.received_at >= :since
      ORDER BY a.received_at DESC, a.id LIMIT :most
    ), near AS (
      SELECT one AS id, count(DISTINCT other) AS neighbours FROM (
        SELECT l.appeal_id AS one, l.other_id AS other FROM links l JOIN open o ON o.id = l.appeal_id WHERE verdict <> 'apart'
        UNION ALL
        SELECT l.other_id, l.appeal_id FROM links l JOIN open o ON o.id = l.other_id WHERE verdict <> 'apart'
      ) AS both_ways JOIN appeals a ON a.id = other AND a.case_state = 'waiting'
      GROUP BY one
    )
    SELECT o.id, o.event_id, o.received_at, o.sampled, coalesce(n.neighbours, 0) AS neighbours,
      coalesce(d.record #>> '{unit,candidates,0,name}', '') AS unit,
      coalesce((d.record #>> '{unit,candidates,0,probability}')::float8, 0) AS first,
      coalesce((d.record #>> '{unit,candidates,1,probability}')::float8, 0) AS second
    FROM open o LEFT JOIN near n USING (id)
    LEFT JOIN decisions d ON d.appeal_id = o.id AND d.version = o.decision_version
    """
).bindparams(bindparam("since", type_=_MOMENT))

_TAUGHT = text(
    "SELECT unit, count(*) AS number FROM unit_labels WHERE unit <> '' AND at >= :since GROUP BY unit"
).bindparams(bindparam("since", type_=_MOMENT))

_TEXTS = text(
    """
    SELECT coalesce(encode(appellant, 'hex'), id::text) AS who, title || E'\\n' || content AS text
    FROM appeals WHERE received_at >= :since AND received_at < :until AND content <> :erased
    ORDER BY received_at DESC, id LIMIT :most
    """
).bindparams(bindparam("since", type_=_MOMENT), bindparam("until", type_=_MOMENT))


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """An appeal that waits for a person.

    Attributes:
        id: The appeal.
        event_id: Its event.
        received_at: When it came in.
        sampled: Whether it was drawn at random from what the machine would have dispatched.
        neighbours: Linked appeals that wait as well.
        unit: Proposed first; empty where nothing is.
        first: Probability of the first candidate, 0 … 1.
        second: Probability of the second one; 0 where there is none.
    """

    id: UUID
    event_id: UUID
    received_at: datetime
    sampled: bool
    neighbours: int
    unit: str
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class MaskedText:
    """Title and text of an appeal, masked, and who wrote it: a keyed hash, or the appeal's own id where that is unknown."""

    who: str
    text: str


def waiting(connection: Connection, *, since: datetime, most: int) -> list[Waiting]:
    """Return the visible appeals that wait, the latest ones received since a moment; in no order."""
    return [Waiting(**row._mapping) for row in connection.execute(_WAITING, {"since": since, "most": most})]


def taught(connection: Connection, *, since: datetime) -> Mapping[str, int]:
    """Return unit → visible appeals that people gave it since a moment."""
    return {row.unit: row.number for row in connection.execute(_TAUGHT, {"since": since})}


def texts(connection: Connection, *, since: datetime, until: datetime, most: int, erased: str) -> list[MaskedText]:
    """Return masked texts of visible appeals received in a time, the latest ones.

    Args:
        connection: In a transaction with a scope.
        since: Received at this time or later.
        until: Received before this time.
        most: Texts at the most.
        erased: What stands in place of an erased text; those are left out.
    """
    values = {"since": since, "until": until, "most": most, "erased": erased}
    return [MaskedText(row.who, row.text) for row in connection.execute(_TEXTS, values)]
