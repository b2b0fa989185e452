"""Events, words and streets for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row
from sqlalchemy.dialects.postgresql import insert

from triage.store.report_counts import Window
from triage.store.report_sql import statement
from triage.store.schema.reports import appeal_facets

_MINE = "a.supplements IS NULL AND (:area = '' OR a.district = :area)"

# An event that one district sees alone may have further tickets elsewhere: size >= 2 is not enough, the reader's own
# must be two. What was received after the period does not count.
_HOT = statement(
    """
    WITH mine AS MATERIALIZED (
      SELECT a.event_id, count(*) AS number FROM appeals a
      WHERE a.received_at >= :since AND a.received_at < :until AND $mine GROUP BY 1
    ), several AS (
      SELECT m.event_id, m.number, e.state, e.risk_level, e.frequent_since FROM mine m JOIN events e ON e.id = m.event_id
      WHERE e.size >= 2 AND (m.number >= 2 OR EXISTS (
        SELECT FROM appeals a WHERE a.event_id = m.event_id AND a.received_at < :since AND $mine))
    )
    SELECT event_id, state, number, frequent_since, count(*) OVER () AS total FROM several
    ORDER BY number DESC, risk_level DESC, event_id LIMIT :most
    """,
    mine=_MINE,
)
_FREQUENT = statement(
    """
    SELECT a.event_id, e.state, count(*) AS number FROM appeals a JOIN events e ON e.id = a.event_id
    WHERE e.frequent_since IS NOT NULL AND a.received_at >= :since AND a.received_at < :until AND $mine
    GROUP BY 1, 2 ORDER BY number DESC, 1 LIMIT :most
    """,
    mine=_MINE,
)
_MEMBERS = statement(
    """
    SELECT a.event_id, a.id, a.reference, a.received_at, a.district, coalesce(f.street, '') AS street,
      coalesce(nullif(a.unit, ''), d.unit, '') AS unit, a.l1, a.l2, a.risk_level, a.appellant, a.anonymised_at
    FROM appeals a
    LEFT JOIN decisions d ON d.appeal_id = a.id AND d.version = a.decision_version
    LEFT JOIN appeal_facets f ON f.appeal_id = a.id
    WHERE a.event_id = ANY (:ids) AND a.received_at < :until AND $mine
    ORDER BY a.event_id, a.received_at, a.id
    """,
    mine=_MINE,
)
_TEXTS = statement("SELECT id, title, left(content, :chars) AS content FROM appeals WHERE id = ANY (:ids)")
_NAMES = statement("SELECT id, title, keywords, titled FROM events WHERE id = ANY (:ids)")


def hot(connection: Connection, window: Window, *, most: int) -> Sequence[Row[Any]]:
    """Return events of at least two visible tickets with one in the period, those with most of these first.

    Each row has ``event_id``, ``state``, ``number`` and ``total``, the number of all such events.
    """
    return connection.execute(_HOT, {**window.values(), "most": most}).all()


def frequent(connection: Connection, window: Window, *, most: int) -> Sequence[Row[Any]]:
    """Return events that were of high frequency at some time and have a ticket in the period."""
    return connection.execute(_FREQUENT, {**window.values(), "most": most}).all()


def members(connection: Connection, window: Window, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the visible tickets of events up to the end of the period, the earliest first."""
    return connection.execute(_MEMBERS, {**window.values(), "ids": list(ids)}).all()


def texts(connection: Connection, ids: Sequence[UUID], *, chars: int) -> dict[UUID, tuple[str, str]]:
    """Return title and beginning of the text of tickets, masked."""
    rows = connection.execute(_TEXTS, {"ids": list(ids), "chars": chars})
    return {row.id: (row.title, row.content) for row in rows}


def names(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[str, tuple[str, ...]]]:
    """Return title and keywords that the store has given events."""
    rows = connection.execute(_NAMES, {"ids": list(ids)})
    return {row.id: (row.title, tuple(row.keywords)) for row in rows if row.titled}


_LACKING = statement("""
    SELECT a.id, a.district, a.received_at, a.title, left(a.content, :chars) AS content, a.address, a.l2,
      d.record #>> '{area,name}'::text[] AS area
    FROM appeals a LEFT JOIN decisions d ON d.appeal_id = a.id AND d.version = a.decision_version
    WHERE a.received_at >= :since AND a.received_at < :until
      AND NOT EXISTS (SELECT FROM appeal_facets f WHERE f.appeal_id = a.id)
    ORDER BY a.received_at DESC, a.id LIMIT :most
    """)


def lacking(connection: Connection, *, since: datetime, until: datetime, most: int, chars: int) -> Sequence[Row[Any]]:
    """Return tickets whose words and streets have not been read yet, the latest first."""
    values = {"since": since, "until": until, "most": most, "chars": chars}
    return connection.execute(_LACKING, values).all()


def add_facets(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep words and streets; another process may have kept them meanwhile."""
    if rows:
        connection.execute(insert(appeal_facets).on_conflict_do_nothing(), list(rows))


_ROWS = statement(
    """
    SELECT a.id::text, a.received_at, a.l1, a.l2, coalesce(f.words, '{}') AS words, a.district,
      coalesce(f.street, '') AS street, coalesce(nullif(a.unit, ''), d.unit, '') AS unit, a.risk_level,
      a.event_id::text, encode(a.appellant, 'hex') AS appellant
    FROM appeals a
    LEFT JOIN decisions d ON d.appeal_id = a.id AND d.version = a.decision_version
    LEFT JOIN appeal_facets f ON f.appeal_id = a.id
    WHERE a.received_at >= :since AND a.received_at < :until AND $mine
    ORDER BY a.received_at, a.id LIMIT :most
    """,
    mine=_MINE,
)


def trend_rows(connection: Connection, *, since: datetime, until: datetime, area: str, most: int) -> Sequence[Row[Any]]:
    """Return tickets as themes are told from."""
    return connection.execute(_ROWS, {"since": since, "until": until, "area": area, "most": most}).all()


# A sample is drawn by the appeals' own numbers: the same report draws the same one.
_SAMPLED = "(hashtext(a.appeal_id::text) & 1023) < :sample"
_STOCK = statement(
    """
    SELECT count(*) FROM appeal_facets a
    WHERE a.received_at >= :since AND a.received_at < :until AND (:area = '' OR a.district = :area)
    """
)
_BY_CATEGORY = statement(
    """
    SELECT (a.received_at AT TIME ZONE 'Asia/Shanghai')::date AS day, a.district, a.street, a.l2, '' AS word,
      count(*) AS number
    FROM appeal_facets a
    WHERE a.received_at >= :since AND a.received_at < :until AND (:area = '' OR a.district = :area) AND $sampled
    GROUP BY 1, 2, 3, 4
    """,
    sampled=_SAMPLED,
)
_BY_WORD = statement(
    """
    SELECT (a.received_at AT TIME ZONE 'Asia/Shanghai')::date AS day, a.district, a.street, '' AS l2, w.word,
      count(*) AS number
    FROM appeal_facets a CROSS JOIN LATERAL unnest(a.words) AS w (word)
    WHERE a.received_at >= :since AND a.received_at < :until AND (:area = '' OR a.district = :area) AND $sampled
      AND w.word = ANY (:wanted)
    GROUP BY 1, 2, 3, 5
    """,
    sampled=_SAMPLED,
)
_OTHER_WORDS = statement(
    """
    SELECT count(*) FROM (
      SELECT w.word FROM appeal_facets a CROSS JOIN LATERAL unnest(a.words) AS w (word)
      WHERE a.received_at >= :since AND a.received_at < :until AND (:area = '' OR a.district = :area) AND $sampled
        AND w.word <> ALL (:wanted)
      GROUP BY w.word HAVING count(*) >= :least
    ) AS others
    """,
    sampled=_SAMPLED,
)

WHOLE = 1024
"""All of a thousand and twenty-four parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Which tickets of the time before are counted.

    Attributes:
        since: Received at this moment or later.
        until: Received before this moment.
        area: District; empty for all.
        sample: So many of `WHOLE` parts of them.
    """

    since: datetime
    until: datetime
    area: str
    sample: int = WHOLE

    def values(self) -> dict[str, Any]:
        """Return what statements are given."""
        return {name: getattr(self, name) for name in Past.__slots__}


def stock(connection: Connection, past: Past) -> int:
    """Count the tickets of a time whose words have been read, without sampling."""
    return int(connection.execute(_STOCK, past.values()).scalar_one())


def category_cells(connection: Connection, past: Past) -> Sequence[Row[Any]]:
    """Count tickets by day, place and category: ``day, district, street, l2, word`` (empty) ``, number``."""
    return connection.execute(_BY_CATEGORY, past.values()).all()


def word_cells(connection: Connection, past: Past, *, wanted: Sequence[str]) -> Sequence[Row[Any]]:
    """Count tickets by day, place and keyword, for these keywords alone."""
    return connection.execute(_BY_WORD, {**past.values(), "wanted": list(wanted)}).all()


def other_words(connection: Connection, past: Past, *, wanted: Sequence[str], least: int) -> int:
    """Count the keywords besides these that at least so many tickets hold."""
    values = {**past.values(), "wanted": list(wanted), "least": least}
    return int(connection.execute(_OTHER_WORDS, values).scalar_one())
