"""The tables of what people decided about events, kept so that it can be taken back and is respected afterwards."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, Uuid, text

from triage.store.schema.base import metadata, moment, one_of, words

EVENT_STEPS = ("merge", "split", "close", "reopen", "watch", "unwatch", "undo", "same", "apart")
"""same, apart: a person's verdict on a pair of appeals that the machine was not sure of."""

event_steps = Table(
    "event_steps",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Uuid, ForeignKey("events.id", ondelete="CASCADE"), nullable=False, comment="that was acted on"),
    Column("other_id", Uuid, comment="split: the new event; a verdict: the event of the second appeal"),
    Column("kind", Text, nullable=False),
    Column("moved", Integer, nullable=False, server_default=text("0"), comment="rows of event_moves"),
    words("reason"),
    Column("actor", Text, nullable=False),
    moment("at"),
    Column("undoes", Uuid, comment="the step that an undo takes back"),
    moment("undone_at", null=True),
    one_of("kind", EVENT_STEPS),
    Index(None, "event_id", "at"),
    Index("ix_event_steps_other_id", "other_id", postgresql_where=text("other_id IS NOT NULL")),
)

event_moves = Table(
    "event_moves",
    metadata,
    Column("step_id", Uuid, ForeignKey("event_steps.id", ondelete="CASCADE"), primary_key=True),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("event_from", Uuid, nullable=False),
    Column("event_to", Uuid, nullable=False),
    Index(None, "appeal_id"),
    Index(None, "event_from"),
)

event_verdicts = Table(
    "event_verdicts",
    metadata,
    Column("step_id", Uuid, ForeignKey("event_steps.id", ondelete="CASCADE"), primary_key=True),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("verdict", Text, comment="of the link before the step; null: the step made the link"),
    words("reason"),
    Index(None, "appeal_id"),
    Index(None, "other_id"),
)
