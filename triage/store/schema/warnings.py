"""The tables of early warning."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, SmallInteger, Table, Text, Uuid, text

from triage.store.schema.base import metadata, moment, one_of, words

GROUNDS = ("risk", "elsewhere", "likely", "heads", "repeat", "frequent", "growth", "returned", "overdue")
"""Codes of `triage.rules.warnings.GROUNDS`."""

escalations = Table(
    "escalations",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("event_id", Uuid, ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="SET NULL"), comment="that brought it about"),
    words("district"),
    Column("level_from", SmallInteger, nullable=False),
    Column("level_to", SmallInteger, nullable=False, comment="equal to level_from where the ground came on top"),
    Column("ground", Text, nullable=False),
    Column("mark", Integer, nullable=False, server_default=text("0"), comment="level or number of people it reached"),
    words("reason"),
    moment("at"),
    one_of("ground", GROUNDS),
    Index(None, "event_id", "id"),
    Index(None, "at", "id"),
    Index("ix_escalations_appeal_id", "appeal_id", postgresql_where=text("appeal_id IS NOT NULL")),
)
"""Why the level of an event rose; one row per ground and district that takes part. Rows are only added."""
