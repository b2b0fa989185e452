"""The tables of automatic dispatch: what it did or would have done, how people judged it, and its switch."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Double, ForeignKey, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from triage.store.schema.base import metadata, moment, one_of, words

DISPATCH_OUTCOMES = ("shadow", "sampled", "held", "sent", "recalled", "overtaken")
"""shadow: would have been dispatched; sampled: drawn for people; held: dispatched, the unit is not told yet; sent: told;
recalled: taken back before that; overtaken: a person or a unit was quicker."""
SWITCH_STATES = ("on", "fallen")

dispatches = Table(
    "dispatches",
    metadata,
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("unit", Text, nullable=False, comment="proposed first"),
    Column("bundle", Text, nullable=False),
    Column("probability", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    moment("at"),
    Column("release_at", DateTime(timezone=True), comment="when the unit is told; null: not dispatched by machine"),
    Column("agreed", Boolean, comment="whether people sent it to the same unit; null: nobody has judged"),
    moment("judged_at", null=True),
    one_of("outcome", DISPATCH_OUTCOMES),
    Index(None, "at"),
    Index("ix_dispatches_held", "release_at", postgresql_where=text("outcome = 'held'")),
    Index("ix_dispatches_judged", "judged_at", postgresql_where=text("judged_at IS NOT NULL")),
    Index("ix_dispatches_sent", "at", postgresql_where=text("release_at IS NOT NULL")),
)

dispatch_switch = Table(
    "dispatch_switch",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False, comment="counted up at each resumption"),
    Column("state", Text, primary_key=True, comment="on begins an epoch, fallen ends it; each once, whoever is first"),
    moment("at"),
    moment("since", null=True),
    Column("actor", Text, nullable=False),
    words("reason"),
    Column("figures", JSONB, nullable=False, server_default=text("'{}'")),
    one_of("state", SWITCH_STATES),
)
