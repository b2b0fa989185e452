"""The tables of reports: those that were made, and what of each appeal themes and streets are told from."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from triage.store.schema.base import metadata, moment, one_of, words

REPORT_KINDS = ("day", "week", "month", "quarter")
REPORT_STATES = ("queued", "running", "done", "failed")

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False, comment="of the period: 2019-09-02, 2019-W36, 2019-09, 2019-Q3"),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    words("area"),
    words("office"),
    Column("districts", ARRAY(Text), nullable=False, comment="whose appeals it counts; {*} is the whole city"),
    words("title"),
    words("issue"),
    Column("total", Integer, nullable=False, server_default=text("0"), comment="tickets of the period"),
    words("state", default="queued"),
    words("error"),
    Column("created_by", Text, nullable=False),
    moment("created_at"),
    moment("made_at", null=True),
    Column("content", LargeBinary, comment="JSON, deflated; quotes are in report_quotes, where erasing reaches them"),
    one_of("kind", REPORT_KINDS),
    one_of("state", REPORT_STATES),
    Index(None, "created_at", "id"),
    Index("ix_reports_queued", "created_at", postgresql_where=text("state IN ('queued', 'running')")),
    # Several workers may find the same one due.
    Index("uq_reports_scheduled", "kind", "code", "area", unique=True, postgresql_where=text("created_by = 'system'")),
)

report_quotes = Table(
    "report_quotes",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("place", SmallInteger, primary_key=True, comment="which quote of the report it is"),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False),
    Column("text", Text, nullable=False, comment="masked"),
    Index(None, "appeal_id"),
)

appeal_facets = Table(
    "appeal_facets",
    metadata,
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    words("district"),
    moment("received_at"),
    words("street"),
    words("l2"),
    Column("words", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="of the masked text"),
    Index(None, "received_at"),
)
"""A narrow table: three months of a large city are read for one report. Rows are added some time after the appeal."""
