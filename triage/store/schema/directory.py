"""The tables of units, channels and terms."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from triage.store.schema.base import metadata, moment, one_of, words

TERM_STATES = ("open", "met", "dropped")
"""open: not done yet; met: done, whether in time says ``ended_at``; dropped: no longer asked for."""

terms = Table(
    "terms",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False),
    Column("step", Text, nullable=False, comment="one of triage.rules.deadlines.STEPS"),
    words("state", default="open"),
    words("unit"),
    words("rule"),
    moment("started_at"),
    moment("due_at"),
    Column("half_at", DateTime(timezone=True), comment="first reminder; null: nobody is reminded"),
    Column("most_at", DateTime(timezone=True), comment="second reminder"),
    Column("next_at", DateTime(timezone=True), comment="when the sweep looks at it again; null: never"),
    Column("reminded", SmallInteger, nullable=False, server_default=text("0"), comment="0, 50, 80 or 100 percent"),
    Column("extensions", SmallInteger, nullable=False, server_default=text("0")),
    moment("paused_at", null=True),
    moment("ended_at", null=True),
    one_of("state", TERM_STATES),
    Index(None, "appeal_id"),
    Index("uq_terms_open", "appeal_id", "step", "unit", unique=True, postgresql_where=text("state = 'open'")),
    Index("ix_terms_next_at", "next_at", postgresql_where=text("state = 'open' AND next_at IS NOT NULL")),
    Index("ix_terms_due", "due_at", "id", postgresql_where=text("state = 'open'")),
    Index("ix_terms_finish_due", "due_at", postgresql_where=text("step = 'finish' AND state <> 'dropped'")),
)

admission = Table(
    "admission",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("item", Text, nullable=False),
    Column("lowest", Text, nullable=False, comment="网格, 社区村 or 街镇"),
    Column("words", ARRAY(Text), nullable=False),
    Column("barred", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    words("recorded_by"),
    moment("recorded_at"),
    Column("withdrawn_at", DateTime(timezone=True), comment="replaced by a later list; the row is kept"),
    one_of("lowest", ("网格", "社区村", "街镇")),
    Index("uq_admission_item", "item", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
)
