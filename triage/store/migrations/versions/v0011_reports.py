"""The tables of reports, and what their figures are counted by.

A decision's first unit and whether it needed no person become columns of their own, computed from its record: reading
ten thousand records for one week would take longer than the rest of the report. All decisions are written anew here.

Revision: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from triage.store.migrations import sql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    _reports()
    _quotes()
    _facets()
    op.add_column(
        "decisions",
        sa.Column("unit", sa.Text(), sa.Computed("(record #>> '{unit,candidates,0,name}'::text[])", persisted=True)),
    )
    op.add_column(
        "decisions",
        sa.Column(
            "automatic",
            sa.Boolean(),
            sa.Computed("((record #>> '{unit,decision}'::text[]) = 'auto'::text)", persisted=True),
        ),
    )
    op.create_index(
        "ix_terms_finish_due",
        "terms",
        ["due_at"],
        postgresql_where=sa.text("step = 'finish' AND state <> 'dropped'"),
    )
    sql.apply("reports")


def _words(name: str, *, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False)


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="of the period: 2019-09-02, 2019-W36, 2019-09, 2019-Q3"),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        _words("area"),
        _words("office"),
        sa.Column(
            "districts",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="whose appeals it counts; {*} is the whole city",
        ),
        _words("title"),
        _words("issue"),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="tickets of the period"),
        _words("state", default="queued"),
        _words("error"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=True,
            comment="JSON, deflated; quotes are in report_quotes, where erasing reaches them",
        ),
        sa.CheckConstraint("kind IN ('day', 'week', 'month', 'quarter')", name=op.f("ck_reports_kind")),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_reports_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index(op.f("ix_reports_created_at_id"), "reports", ["created_at", "id"])
    op.create_index(
        "ix_reports_queued", "reports", ["created_at"], postgresql_where=sa.text("state IN ('queued', 'running')")
    )
    op.create_index(
        "uq_reports_scheduled",
        "reports",
        ["kind", "code", "area"],
        unique=True,
        postgresql_where=sa.text("created_by = 'system'"),
    )


def _quotes() -> None:
    op.create_table(
        "report_quotes",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False, comment="which quote of the report it is"),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="masked"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_report_quotes_report_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_report_quotes_appeal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report_id", "place", name=op.f("pk_report_quotes")),
    )
    op.create_index(op.f("ix_report_quotes_appeal_id"), "report_quotes", ["appeal_id"])


def _facets() -> None:
    op.create_table(
        "appeal_facets",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        _words("district"),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _words("street"),
        _words("l2"),
        sa.Column(
            "words",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="of the masked text",
        ),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_appeal_facets_appeal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_facets")),
    )
    op.create_index(op.f("ix_appeal_facets_received_at"), "appeal_facets", ["received_at"])
