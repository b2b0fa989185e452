"""What a report counts, in SQL: one scan of the tickets of three periods gives every table of it.

All functions work in a transaction of the reader's scope; ``area`` narrows it further to one district. Supplements to a
ticket (补充) are no tickets and are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from triage.store.report_sql import statement

MOST_AT_ONCE = 5_000
"""Ids of one statement."""

_COLUMNS: Mapping[str, str] = {
    "day": "to_char(a.received_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')",
    "channel": "a.channel",
    "type": "a.type",
    "risk": "a.risk_level::text",
    "district": "a.district",
    "street": "coalesce(f.street, '')",
    "l1": "a.l1",
    "l2": "a.l2",
    "unit": "coalesce(nullif(a.unit, ''), d.unit, '')",
    "automatic": "CASE WHEN d.unit IS NULL THEN '' WHEN d.automatic THEN '1' ELSE '0' END",
    "closed": "CASE WHEN a.case_state = 'closed' THEN '1' ELSE '0' END",
}
"""Column of a table of counts → where it stands."""

_FROM = """
    FROM appeals a
    LEFT JOIN decisions d ON d.appeal_id = a.id AND d.version = a.decision_version
    LEFT JOIN appeal_facets f ON f.appeal_id = a.id
"""
_MINE = "a.supplements IS NULL AND (:area = '' OR a.district = :area)"
_TICKET = ("channel", "district", "street", "unit", "l1", "l2", "type", "automatic", "closed")
_TICKET_COLUMNS = "a.id::text, a.reference, a.received_at, a.risk_level, a.event_id::text, " + ", ".join(
    f"{_COLUMNS[name]} AS {name}" for name in _TICKET
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is counted.

    Attributes:
        since: Begin of the period.
        until: Its end, itself outside.
        before_since: Begin of the period before, which ends where this one begins.
        year_since: Begin of the same period a year ago.
        year_until: Its end, itself outside.
        as_of: Moment for which open and overdue matters are told.
        area: District; empty for all.
    """

    since: datetime
    until: datetime
    before_since: datetime
    year_since: datetime
    year_until: datetime
    as_of: datetime
    area: str

    def values(self) -> dict[str, Any]:
        """Return what statements are given."""
        return {name: getattr(self, name) for name in Window.__slots__}


# A year ago comes last, so that a ticket of the period itself is never taken for one of a year ago.
_TABLES = """
    WITH counted AS MATERIALIZED (
      SELECT CASE WHEN a.received_at >= :since THEN 0 WHEN a.received_at >= :before_since THEN 1 ELSE 2 END AS slot, $listed
      $source
      WHERE (a.received_at >= :before_since AND a.received_at < :until
             OR a.received_at >= :year_since AND a.received_at < :year_until) AND $mine
    )
    SELECT GROUPING($columns) AS mask, $columns,
      count(*) FILTER (WHERE slot = 0) AS now, count(*) FILTER (WHERE slot = 1) AS before,
      count(*) FILTER (WHERE slot = 2) AS year
    FROM counted GROUP BY GROUPING SETS ($sets)
    """


def tables(
    connection: Connection, window: Window, groupings: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, tuple[str, ...], tuple[int, int, int]]]:
    """Count the tickets of the three periods by every grouping in one scan.

    Args:
        connection: In a transaction with a scope.
        window: The periods.
        groupings: Name → columns, of `_COLUMNS`; each set of columns once.

    Yields:
        Name of the grouping, values of its columns, and tickets of the period, of the one before, and a year ago.
    """
    columns = list(dict.fromkeys(column for group in groupings.values() for column in group))
    counted = statement(
        _TABLES,
        columns=", ".join(columns),
        listed=", ".join(f"{_COLUMNS[name]} AS {name}" for name in columns),
        sets=", ".join(f"({', '.join(group)})" for group in groupings.values()),
        source=_FROM,
        mine=_MINE,
    )
    names = {_mask(columns, group): (name, tuple(group)) for name, group in groupings.items()}
    for row in connection.execute(counted, window.values()):
        name, group = names[row.mask]
        values = row._mapping
        yield name, tuple(values[column] for column in group), (row.now, row.before, row.year)


def _mask(columns: Sequence[str], group: Sequence[str]) -> int:
    """Return what GROUPING() says for a set: a bit for each column that is not in it, the last column lowest."""
    return sum(1 << place for place, column in enumerate(reversed(columns)) if column not in group)


_FIRST = statement("SELECT min(received_at) FROM appeals a WHERE $mine", mine=_MINE)
_DAILY = statement(
    """
    SELECT (a.received_at AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS number
    FROM appeals a WHERE a.received_at >= :start AND a.received_at < :until AND $mine GROUP BY 1
    """,
    mine=_MINE,
)


def first(connection: Connection, window: Window) -> datetime | None:
    """Return when the first ticket was received; None where there is none."""
    found: datetime | None = connection.execute(_FIRST, {"area": window.area}).scalar_one_or_none()
    return found


def daily(connection: Connection, window: Window, *, start: datetime) -> dict[date, int]:
    """Count tickets per day from ``start`` to the end of the period."""
    values = {"start": start, "until": window.until, "area": window.area}
    return {row.day: row.number for row in connection.execute(_DAILY, values)}


_TICKETS = statement(
    """
    SELECT $columns $source
    WHERE a.received_at >= :since AND a.received_at < :until AND $mine
    ORDER BY a.received_at, a.id LIMIT :most
    """,
    mine=_MINE,
    source=_FROM,
    columns=_TICKET_COLUMNS,
)
_TICKETS_OF = statement(
    "SELECT $columns $source WHERE a.id = ANY (:ids) ORDER BY a.received_at, a.id",
    source=_FROM,
    columns=_TICKET_COLUMNS,
)


def tickets(connection: Connection, window: Window, *, most: int) -> Sequence[Row[Any]]:
    """Return the tickets of the period in the order of time, with the columns of `_TICKET`."""
    return connection.execute(_TICKETS, {**window.values(), "most": most}).all()


def tickets_of(connection: Connection, ids: Sequence[UUID]) -> list[Row[Any]]:
    """Return these tickets with the same columns."""
    found: list[Row[Any]] = []
    for place in range(0, len(ids), MOST_AT_ONCE):
        found.extend(connection.execute(_TICKETS_OF, {"ids": list(ids[place : place + MOST_AT_ONCE])}))
    return found


_PEOPLE = statement(
    """
    SELECT count(DISTINCT a.appellant) FROM appeals a
    WHERE a.received_at >= :since AND a.received_at < :until AND $mine
    """,
    mine=_MINE,
)
_REMARKS = statement("""
    SELECT count(*) FILTER (WHERE a.supplements IS NOT NULL) AS supplements,
      count(*) FILTER (WHERE a.supplements IS NULL AND a.anonymised_at IS NOT NULL AND a.title_raw = ''
                       AND a.content_raw <> '') AS erased,
      count(*) FILTER (WHERE a.supplements IS NULL AND f.appeal_id IS NULL) AS no_words
    FROM appeals a LEFT JOIN appeal_facets f ON f.appeal_id = a.id
    WHERE a.received_at >= :since AND a.received_at < :until AND (:area = '' OR a.district = :area)
    """)


def people(connection: Connection, window: Window) -> int:
    """Count the distinct known appellants of the period."""
    return int(connection.execute(_PEOPLE, window.values()).scalar_one())


def remarks(connection: Connection, window: Window) -> dict[str, int]:
    """Count supplements, erased tickets and tickets whose words have not been read yet."""
    return dict(connection.execute(_REMARKS, window.values()).one()._mapping)
