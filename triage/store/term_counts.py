"""How many of the newest appeals hold each string or word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select

from models.pairs import TermFrequencies
from triage.events.collection import SALT_WORDS
from triage.store import schema
from triage.store.signatures import unpack_signature

COUNTED = 5_000
"""The newest appeals that are counted: enough to know what one appeal in a thousand says."""


@dataclass(frozen=True, slots=True, eq=False)
class TermCount:
    """A count: appeals in the store when it was made, and the frequencies over those that were read."""

    stored: int
    frequencies: TermFrequencies


def stored(connection: Connection) -> int:
    """Return about how many appeals are in the store; exact while they are few."""
    table = schema.signatures
    few = select(table.c.appeal_id).limit(COUNTED).subquery()
    exact = connection.execute(select(func.count()).select_from(few)).scalar_one()
    if exact < COUNTED:
        return int(exact)
    estimate = connection.execute(select(func.triage_appeal_estimate())).scalar_one()
    return max(int(exact), int(estimate))


def count(connection: Connection, *, stored: int) -> None:
    """Count the newest appeals and keep this count instead of older ones."""
    table, counts, appeal = schema.signatures.c, schema.term_counts, schema.appeals.c
    latest = select(appeal.id).order_by(appeal.received_at.desc(), appeal.id.desc()).limit(COUNTED)
    rows = connection.execute(select(table.packed).where(table.appeal_id.in_(latest.scalar_subquery())))
    signatures = [signature for row in rows if (signature := unpack_signature(row.packed)) is not None]
    found = TermFrequencies.count([np.concatenate([s.grams, s.words ^ SALT_WORDS]) for s in signatures])
    row = {
        "terms": found.terms.tobytes(),
        "documents": found.documents.tobytes(),
        "total": found.total,
        "stored": stored,
    }
    number = connection.execute(insert(counts).returning(counts.c.id), row).scalar_one()
    connection.execute(delete(counts).where(counts.c.id < number))


def newest(connection: Connection, *, larger_than: int) -> TermCount | None:
    """Return the newest count if it was made over a store of more than ``larger_than`` appeals."""
    counts = schema.term_counts.c
    row = connection.execute(
        select(counts.terms, counts.documents, counts.total, counts.stored)
        .where(counts.stored > larger_than)
        .order_by(counts.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    terms = np.frombuffer(row.terms, dtype=np.uint32)
    return TermCount(row.stored, TermFrequencies(terms, np.frombuffer(row.documents, dtype=np.int32), row.total))
