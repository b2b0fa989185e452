"""How units did, what is overdue, and what became risky, for reports; see `triage.store.report_counts` for what is common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from triage.rules.deadlines import WINDOWS
from triage.store.report_counts import Window
from triage.store.report_sql import statement

# One row per kind, unit and ticket. What an appellant said counts once per case, with the latest word about each question;
# the appellant's own evaluation comes before what was said at a call back.
_WORK = """
    said AS (
      SELECT s.unit, s.appeal_id,
        (array_agg(s.responded ORDER BY s.at DESC, s.id DESC) FILTER (WHERE s.responded IS NOT NULL))[1] AS responded,
        (array_agg(s.solved ORDER BY s.kind = 'evaluation' DESC, s.at DESC, s.id DESC)
          FILTER (WHERE s.solved IS NOT NULL))[1] AS solved,
        (array_agg(s.satisfaction ORDER BY s.kind = 'evaluation' DESC, s.at DESC, s.id DESC)
          FILTER (WHERE s.satisfaction <> ''))[1] AS satisfaction
      FROM answers s WHERE s.at >= :since AND s.at < :until AND s.unit <> '' GROUP BY s.unit, s.appeal_id
    ), ended AS (
      SELECT coalesce(nullif(t.unit, ''), a.unit) AS unit, t.appeal_id, t.state = 'met' AND t.ended_at <= t.due_at AS timely
      FROM terms t JOIN appeals a ON a.id = t.appeal_id
      WHERE t.step = 'finish' AND t.state <> 'dropped' AND t.due_at >= :since AND t.due_at < :until
        AND (t.state = 'met' OR t.due_at < :as_of)
    ), work AS (
      SELECT 'received' AS kind, unit, id AS appeal_id FROM appeals
      WHERE received_at >= :since AND received_at < :until AND unit <> '' AND supplements IS NULL
      UNION
      SELECT 'closed', unit, id FROM appeals
      WHERE received_at >= :since AND received_at < :until AND unit <> '' AND supplements IS NULL AND case_state = 'closed'
      UNION
      SELECT 'dispatched', unit_to, appeal_id FROM feedback
      WHERE kind IN ('confirm', 'reassign') AND at >= :since AND at < :until AND unit_to <> ''
      UNION
      SELECT 'dispatched', unit, appeal_id FROM dispatches
      WHERE outcome = 'sent' AND release_at >= :since AND release_at < :until
      UNION
      SELECT 'returned', unit_from, appeal_id FROM feedback
      WHERE kind = 'return' AND at >= :since AND at < :until AND unit_from <> ''
      UNION SELECT 'due', unit, appeal_id FROM ended
      UNION SELECT 'on_time', unit, appeal_id FROM ended WHERE timely
      UNION SELECT 'responded_of', unit, appeal_id FROM said WHERE responded IS NOT NULL
      UNION SELECT 'responded', unit, appeal_id FROM said WHERE responded
      UNION SELECT 'solved_of', unit, appeal_id FROM said WHERE solved IS NOT NULL
      UNION SELECT 'solved', unit, appeal_id FROM said WHERE solved
      UNION SELECT 'satisfied_of', unit, appeal_id FROM said WHERE satisfaction IS NOT NULL
      UNION SELECT 'satisfied', unit, appeal_id FROM said WHERE satisfaction IN ('satisfied', 'fairly')
    )
"""
_WORK_COUNTS = statement(
    """
    WITH $work
    SELECT w.kind, w.unit, a.district, count(*) AS number FROM work w JOIN appeals a ON a.id = w.appeal_id
    WHERE :area = '' OR a.district = :area GROUP BY 1, 2, 3
    """,
    work=_WORK,
)
_WORK_ITEMS = statement(
    """
    WITH $work
    SELECT w.kind, w.unit, a.district, w.appeal_id FROM work w JOIN appeals a ON a.id = w.appeal_id
    WHERE :area = '' OR a.district = :area ORDER BY 1, 2, 4 LIMIT :most
    """,
    work=_WORK,
)


def work(connection: Connection, window: Window) -> Sequence[Row[Any]]:
    """Count what units did: ``kind`` (as in `triage.reports.material.Work`), ``unit``, ``district``, ``number``."""
    return connection.execute(_WORK_COUNTS, window.values()).all()


def work_items(connection: Connection, window: Window, *, most: int) -> Sequence[Row[Any]]:
    """Return the tickets behind `work`: ``kind``, ``unit``, ``district``, ``appeal_id``."""
    return connection.execute(_WORK_ITEMS, {**window.values(), "most": most}).all()


# A ticket with several terms that are over counts once, with the one that has been over for longest.
_LATE = """
    late AS (
      SELECT DISTINCT ON (t.appeal_id) t.appeal_id, coalesce(nullif(t.unit, ''), a.unit) AS unit, t.step, t.due_at, t.id,
        a.reference, a.district, a.l1, a.l2
      FROM terms t JOIN appeals a ON a.id = t.appeal_id
      WHERE t.state = 'open' AND t.due_at < :as_of AND t.paused_at IS NULL AND t.step <> ALL (:windows)
        AND a.case_state IN ('waiting', 'assigned') AND (:area = '' OR a.district = :area)
      ORDER BY t.appeal_id, t.due_at, t.id
    )
"""
_OVERDUE = statement(
    """
    WITH $late
    SELECT late.*,
      (SELECT '督办〔' || s.year || '〕' || lpad(s.serial::text, 4, '0') || '号' FROM supervisions s
       WHERE s.appeal_id = late.appeal_id AND s.state = 'open' ORDER BY s.issued_at DESC LIMIT 1) AS order_number
    FROM late ORDER BY due_at, id LIMIT :most
    """,
    late=_LATE,
)
_OVERDUE_UNITS = statement("WITH $late SELECT unit, count(*) AS number FROM late GROUP BY 1", late=_LATE)


def overdue(connection: Connection, window: Window, *, most: int) -> Sequence[Row[Any]]:
    """Return tickets with a term that is over, the longest first."""
    return connection.execute(_OVERDUE, {**window.values(), "windows": sorted(WINDOWS), "most": most}).all()


def overdue_units(connection: Connection, window: Window) -> dict[str, int]:
    """Count tickets with a term that is over, by unit; an empty name for those nobody has yet."""
    values = {**window.values(), "windows": sorted(WINDOWS)}
    return {row.unit: row.number for row in connection.execute(_OVERDUE_UNITS, values)}


_RISKY = """
    SELECT a.id, a.reference, a.received_at, a.risk_level, a.district, coalesce(nullif(a.unit, ''), d.unit, '') AS unit,
      a.l1, a.l2, a.case_state, a.event_id, d.record #> '{risk,factors}' AS factors
    FROM appeals a LEFT JOIN decisions d ON d.appeal_id = a.id AND d.version = a.decision_version
    WHERE a.risk_level >= 3 AND a.supplements IS NULL AND (:area = '' OR a.district = :area)
"""
_RISK_NEW = statement(
    """
    $risky AND a.received_at >= :since AND a.received_at < :until
    ORDER BY a.risk_level DESC, a.received_at DESC, a.id DESC LIMIT :most
    """,
    risky=_RISKY,
)
_RISK_OPEN = statement(
    """
    $risky AND a.received_at < :until AND a.case_state IN ('waiting', 'assigned')
    ORDER BY a.received_at, a.id LIMIT :most
    """,
    risky=_RISKY,
)
_RISK_OPEN_TOTAL = statement("""
    SELECT count(*) FROM appeals a
    WHERE a.risk_level >= 3 AND a.supplements IS NULL AND (:area = '' OR a.district = :area)
      AND a.received_at < :until AND a.case_state IN ('waiting', 'assigned')
    """)
_ESCALATED = """
    FROM escalations e JOIN events v ON v.id = e.event_id LEFT JOIN appeals a ON a.id = e.appeal_id
    WHERE e.at >= :since AND e.at < :until AND (:area = '' OR e.district = :area)
"""
_ESCALATIONS = statement(
    """
    SELECT e.at, e.event_id, v.title, e.district, e.level_from, e.level_to, e.ground, e.reason, e.appeal_id,
      coalesce(nullif(a.reference, ''), e.appeal_id::text, '') AS number
    $escalated ORDER BY e.level_to DESC, e.at DESC, e.id DESC LIMIT :most
    """,
    escalated=_ESCALATED,
)
_ESCALATIONS_TOTAL = statement("SELECT count(*) $escalated", escalated=_ESCALATED)
_UNACKNOWLEDGED = statement("""
    SELECT count(*) FROM alerts WHERE state = 'open' AND at < :until AND (:area = '' OR district = :area)
    """)


def risk_new(connection: Connection, window: Window, *, most: int) -> Sequence[Row[Any]]:
    """Return red and orange tickets of the period, reddest and newest first."""
    return connection.execute(_RISK_NEW, {**window.values(), "most": most}).all()


def risk_open(connection: Connection, window: Window, *, most: int) -> tuple[Sequence[Row[Any]], int]:
    """Return red and orange tickets that are not closed, oldest first, and how many there are altogether."""
    values = window.values()
    total = int(connection.execute(_RISK_OPEN_TOTAL, values).scalar_one())
    return connection.execute(_RISK_OPEN, {**values, "most": most}).all(), total


def escalations(connection: Connection, window: Window, *, most: int) -> tuple[Sequence[Row[Any]], int]:
    """Return rises of events in the period, the highest level and newest first, and how many there are altogether."""
    values = window.values()
    total = int(connection.execute(_ESCALATIONS_TOTAL, values).scalar_one())
    return connection.execute(_ESCALATIONS, {**values, "most": most}).all(), total


def unacknowledged(connection: Connection, window: Window) -> int:
    """Count warnings that nobody has taken note of."""
    return int(connection.execute(_UNACKNOWLEDGED, window.values()).scalar_one())
