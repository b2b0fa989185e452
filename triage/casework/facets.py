"""Reads words and streets of stored appeals, some time after they came: receiving them need not wait for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.events.words import WordCutter
from triage.reports.streets import street_of
from triage.store import report_events, units
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.trends import KeywordReader

CHUNK = 500
CHARS_READ = 400
_RECENT = timedelta(days=190)
"""Older appeals are read when a report asks for them."""


def fill(database: Database, words: WordCutter, *, since: datetime, until: datetime, most: int) -> int:
    """Read words and streets of appeals that were received in some time and have none yet, the latest first.

    Two processes may do this at once: what one has read the other passes over.

    Args:
        database: The store.
        words: Cuts words.
        since: Received at this moment or later.
        until: Received before this moment.
        most: At most so many.

    Returns:
        How many were read.
    """
    reader = KeywordReader(words)
    done = 0
    while done < most:
        with database.transaction(EVERYWHERE) as connection:
            found = report_events.lacking(
                connection, since=since, until=until, most=min(CHUNK, most - done), chars=CHARS_READ
            )
            directory = units.directory(connection) if found else None
        rows = [
            {
                "appeal_id": row.id,
                "district": row.district,
                "received_at": row.received_at,
                "street": street_of(
                    area=row.area or "",
                    district=row.district,
                    address=row.address,
                    texts=(row.title, row.content),
                    directory=directory,
                ),
                "l2": row.l2,
                "words": list(reader.keywords(row.title, row.content)),
            }
            for row in found
        ]
        with database.transaction(EVERYWHERE) as connection:
            report_events.add_facets(connection, rows)
        done += len(rows)
        if len(rows) < CHUNK:
            break
    return done


def keep_up(database: Database, words: WordCutter, *, now: datetime, most: int = 2_000) -> int:
    """Read what has come lately; the worker does so again and again."""
    return fill(database, words, since=now - _RECENT, until=now + timedelta(days=1), most=most)
