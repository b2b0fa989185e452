"""The tables of what happens to an appeal after its dispatch; all hang on the appeal and go with it.

Reasons are free texts of officials: erasing and anonymising an appeal empties them (`migrations/sql/lifecycle.sql`).
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from triage.store.schema.base import metadata, moment, one_of, words

OBJECTION_STATES = ("open", "upheld", "rejected")
EXTENSION_STATES = ("open", "approved", "refused")
ASSISTANCE_KINDS = (
    "assist",
    "whistle",
    "people_mediation",
    "administrative_mediation",
    "judicial_mediation",
    "grid_police",
    "legal_aid",
)
ASSISTANCE_STATES = ("called", "reported", "done", "released")
SUPERVISION_STATES = ("open", "ended")
ANSWER_KINDS = ("call_back", "evaluation")
SATISFACTIONS = ("", "satisfied", "fairly", "dissatisfied")


def _appeal() -> Column[object]:
    return Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False)


objections = Table(
    "objections",
    metadata,
    Column("id", Uuid, primary_key=True),
    _appeal(),
    Column("unit", Text, nullable=False, comment="that says it is not its duty"),
    words("proposed_unit"),
    words("reason"),
    words("state", default="open"),
    Column("raised_by", Text, nullable=False),
    moment("raised_at"),
    words("decided_by"),
    moment("decided_at", null=True),
    words("ruling"),
    one_of("state", OBJECTION_STATES),
    Index("uq_objections_open", "appeal_id", unique=True, postgresql_where=text("state = 'open'")),
    Index(None, "appeal_id"),
    Index(None, "state", "raised_at"),
)

extensions = Table(
    "extensions",
    metadata,
    Column("id", Uuid, primary_key=True),
    _appeal(),
    Column("unit", Text, nullable=False),
    Column("days", SmallInteger, nullable=False, comment="working days asked for"),
    words("reason"),
    words("state", default="open"),
    Column("asked_by", Text, nullable=False),
    moment("asked_at"),
    words("decided_by"),
    moment("decided_at", null=True),
    words("ruling"),
    moment("due_before", null=True),
    moment("due_after", null=True),
    one_of("state", EXTENSION_STATES),
    Index("uq_extensions_standing", "appeal_id", unique=True, postgresql_where=text("state <> 'refused'")),
    Index(None, "appeal_id"),
    Index(None, "state", "asked_at"),
)

assistance = Table(
    "assistance",
    metadata,
    Column("id", Uuid, primary_key=True),
    _appeal(),
    Column("unit", Text, nullable=False, comment="that is called in"),
    Column("kind", Text, nullable=False),
    Column("caller", Text, nullable=False, server_default=text("''"), comment="street that calls departments in"),
    words("reason"),
    words("state", default="called"),
    Column("called_by", Text, nullable=False),
    moment("called_at"),
    moment("reported_at", null=True),
    moment("ended_at", null=True),
    one_of("kind", ASSISTANCE_KINDS),
    one_of("state", ASSISTANCE_STATES),
    Index(
        "uq_assistance_present",
        "appeal_id",
        "unit",
        "kind",
        unique=True,
        postgresql_where=text("state IN ('called', 'reported')"),
    ),
    Index(None, "appeal_id"),
    Index(None, "unit", "state"),
)

supervisions = Table(
    "supervisions",
    metadata,
    Column("id", Uuid, primary_key=True),
    _appeal(),
    Column("year", SmallInteger, nullable=False),
    Column("serial", Integer, nullable=False, comment="counted anew each year, without gaps"),
    Column("unit", Text, nullable=False),
    words("reason"),
    words("state", default="open"),
    Column("issued_by", Text, nullable=False),
    moment("issued_at"),
    moment("due_at"),
    words("ended_by"),
    moment("ended_at", null=True),
    one_of("state", SUPERVISION_STATES),
    UniqueConstraint("year", "serial"),
    Index("uq_supervisions_open", "appeal_id", "unit", unique=True, postgresql_where=text("state = 'open'")),
    Index(None, "appeal_id"),
    Index(None, "state", "due_at"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Uuid, primary_key=True),
    _appeal(),
    Column("unit", Text, nullable=False, comment="whose work is judged"),
    Column("kind", Text, nullable=False),
    Column("reached", Boolean, nullable=False),
    Column("responded", Boolean, comment="the unit had contacted the appellant; null: not said"),
    Column("solved", Boolean, comment="null: not said"),
    words("satisfaction"),
    Column("actor", Text, nullable=False),
    moment("at"),
    one_of("kind", ANSWER_KINDS),
    one_of("satisfaction", SATISFACTIONS),
    Index(None, "appeal_id"),
    Index(None, "at"),
)
