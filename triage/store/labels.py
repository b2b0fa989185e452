"""What people decided, as labelled rows: which unit, which appeals belong together, how serious a warning was.

A row of ``feedback`` is one decision of one person; a label is what stands at the end of all decisions about an appeal.
What the service decided by itself is no label: a model that learns from its own proposals only grows surer of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, DateTime, bindparam, text

_MOMENT = DateTime(timezone=True)
_EVER = datetime(1900, 1, 1, tzinfo=UTC)

_UNITS = text(
    """
    SELECT l.appeal_id, l.kind, l.unit, l.at, l.first_at, l.proposed, l.refused, a.event_id
    FROM unit_labels l JOIN appeals a ON a.id = l.appeal_id
    WHERE l.at >= :since AND l.first_at > :unseen
    ORDER BY l.at DESC, l.appeal_id LIMIT :most
    """
).bindparams(bindparam("since", type_=_MOMENT), bindparam("unseen", type_=_MOMENT))

# What `unit_labels` says, of appeals that were first judged since a moment only: the view reads every decision ever made
# before it can tell which ones those are (all 74,000 of a year where a month of them has 6,000).
_JUDGED = text(
    """
    WITH judged AS (
      SELECT appeal_id, id, kind, unit_from, unit_to, at FROM feedback f
      WHERE kind IN ('confirm', 'reassign', 'return') AND actor <> 'system' AND at >= :since AND NOT EXISTS (
        SELECT FROM feedback e WHERE e.appeal_id = f.appeal_id AND e.at < :since
          AND e.kind IN ('confirm', 'reassign', 'return') AND e.actor <> 'system')
    ), l AS (
      SELECT appeal_id, min(at) AS first_at,
        (array_agg(unit_from ORDER BY id))[1] AS proposed, (array_agg(unit_to ORDER BY id DESC))[1] AS unit,
        coalesce(array_agg(unit_from) FILTER (WHERE kind = 'return' AND unit_from <> ''), '{}') AS refused
      FROM judged GROUP BY appeal_id
    )
    SELECT l.first_at AS at, l.proposed, l.proposed = l.unit AND l.proposed <> ALL (l.refused) AS right,
      (d.record #>> '{unit,candidates,0,probability}')::float8 AS confidence
    FROM l LEFT JOIN decisions d ON d.appeal_id = l.appeal_id AND d.version = 1 AND d.unit = l.proposed
    WHERE l.proposed <> ''
    ORDER BY l.first_at DESC LIMIT :most
    """
).bindparams(bindparam("since", type_=_MOMENT))

_PARTED_OR_JOINED = text(
    """
    WITH said AS (
      SELECT appeal_id, event_to, at FROM feedback
      WHERE kind = 'merge' AND actor <> 'system' AND event_to IS NOT NULL AND at >= :since
    ), joined AS (
      -- A merged appeal belongs with the oldest one of the event it was put into.
      SELECT DISTINCT ON (s.appeal_id) s.appeal_id, a.id AS other_id, s.at
      FROM said s
      -- Not where the merge was taken back.
      JOIN appeals mine ON mine.id = s.appeal_id AND mine.event_id = s.event_to
      JOIN appeals a ON a.event_id = s.event_to AND a.id <> s.appeal_id
      WHERE NOT EXISTS (SELECT FROM said t WHERE t.appeal_id = a.id AND t.event_to = s.event_to AND t.at = s.at)
      ORDER BY s.appeal_id, s.at DESC, a.received_at, a.id
    )
    SELECT appeal_id, other_id, verdict = 'same' AS same, at FROM links
    WHERE reason = '人工判定' AND verdict IN ('same', 'apart') AND at >= :since
    UNION ALL
    SELECT j.appeal_id, j.other_id, true, j.at FROM joined j
    WHERE NOT EXISTS (
      SELECT FROM links l WHERE l.reason = '人工判定'
        AND (l.appeal_id, l.other_id) IN ((j.appeal_id, j.other_id), (j.other_id, j.appeal_id)))
    UNION ALL
    SELECT id, supplements, true, received_at FROM appeals WHERE supplements IS NOT NULL AND received_at >= :since
    ORDER BY at DESC, appeal_id, other_id LIMIT :most
    """
).bindparams(bindparam("since", type_=_MOMENT))

_RISKS = text(
    """
    SELECT appeal_id, risk_from AS warned, risk_to AS judged, at FROM feedback
    WHERE kind = 'acknowledge' AND risk_to IS NOT NULL AND at >= :since
    ORDER BY at DESC, id DESC LIMIT :most
    """
).bindparams(bindparam("since", type_=_MOMENT))


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitLabel:
    """Whose duty an appeal is, as people see it at last.

    Attributes:
        appeal_id: The appeal.
        unit: The unit that a person last confirmed or chose; empty where it was returned since and nobody decided anew.
        proposed: What was proposed when a person first looked at it; empty where nothing was.
        refused: Units that sent it back; it is not theirs.
        kind: The last decision: ``confirm``, ``reassign`` or ``return``.
        at: When that was.
        first_at: When a person first decided about it; a bundle trained later may have learned from it.
        event_id: Its event.
    """

    appeal_id: UUID
    unit: str
    proposed: str
    refused: tuple[str, ...]
    kind: str
    at: datetime
    first_at: datetime
    event_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedProposal:
    """A proposal that a person has decided about.

    Attributes:
        at: When a person first did.
        proposed: The unit proposed first.
        right: Whether it was so at last; False where the unit sent it back, or where it went elsewhere.
        confidence: What the models thought of it, 0 … 1; None where that is not known any more.
    """

    at: datetime
    proposed: str
    right: bool
    confidence: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PairLabel:
    """Whether two appeals are about the same event, by a merge, a split or a supplement of one to the other."""

    appeal_id: UUID
    other_id: UUID
    same: bool
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskLabel:
    """What a person made of a warning.

    Attributes:
        appeal_id: The appeal that raised it.
        warned: The level it was raised at.
        judged: The level in the person's judgement; 0 is a false alarm.
        at: When.
    """

    appeal_id: UUID
    warned: int
    judged: int
    at: datetime


def units(connection: Connection, *, since: datetime, most: int, unseen: datetime | None = None) -> list[UnitLabel]:
    """Return the labels of visible appeals whose last decision is not older than a moment, the latest first.

    Args:
        connection: In a transaction with a scope.
        since: Last decision at this time or later.
        most: Labels at the most.
        unseen: Only appeals about which people decided nothing until then.
    """
    values = {"since": since, "unseen": unseen or _EVER, "most": most}
    return [UnitLabel(**{**row._mapping, "refused": tuple(row.refused)}) for row in connection.execute(_UNITS, values)]


def proposals(connection: Connection, *, since: datetime, most: int) -> list[JudgedProposal]:
    """Return the proposals about which people first decided since a moment, the latest first."""
    rows = connection.execute(_JUDGED, {"since": since, "most": most})
    return [JudgedProposal(**row._mapping) for row in rows]


def pairs(connection: Connection, *, since: datetime, most: int) -> list[PairLabel]:
    """Return the pairs that people put together or parted, the latest first; both appeals are visible."""
    rows = connection.execute(_PARTED_OR_JOINED, {"since": since, "most": most})
    return [PairLabel(**row._mapping) for row in rows]


def risks(connection: Connection, *, since: datetime, most: int) -> list[RiskLabel]:
    """Return the warnings that people judged, the latest first."""
    rows = connection.execute(_RISKS, {"since": since, "most": most})
    return [RiskLabel(**row._mapping) for row in rows]
