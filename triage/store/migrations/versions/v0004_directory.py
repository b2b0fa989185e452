"""The tables of units, channels and terms.

Revision: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.store.migrations import sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.add_column("units", sa.Column("contact", sa.Text(), server_default=sa.text("''"), nullable=False))
    _terms()
    _admission()
    sql.apply("directory")


def _terms() -> None:
    op.create_table(
        "terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False, comment="one of triage.rules.deadlines.STEPS"),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("unit", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("rule", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("half_at", sa.DateTime(timezone=True), comment="first reminder; null: nobody is reminded"),
        sa.Column("most_at", sa.DateTime(timezone=True), comment="second reminder"),
        sa.Column("next_at", sa.DateTime(timezone=True), comment="when the sweep looks at it again; null: never"),
        sa.Column(
            "reminded",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="0, 50, 80 or 100 percent",
        ),
        sa.Column("extensions", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'met', 'dropped')", name=op.f("ck_terms_state")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_terms_appeal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms")),
    )
    op.create_index(op.f("ix_terms_appeal_id"), "terms", ["appeal_id"])
    is_open = sa.text("state = 'open'")
    op.create_index("uq_terms_open", "terms", ["appeal_id", "step", "unit"], unique=True, postgresql_where=is_open)
    op.create_index(
        "ix_terms_next_at",
        "terms",
        ["next_at"],
        postgresql_where=sa.text("state = 'open' AND next_at IS NOT NULL"),
    )
    op.create_index("ix_terms_due", "terms", ["due_at", "id"], postgresql_where=is_open)


def _admission() -> None:
    op.create_table(
        "admission",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lowest", sa.Text(), nullable=False, comment="网格, 社区村 or 街镇"),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("barred", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="replaced by a later list; the row is kept",
        ),
        sa.CheckConstraint("lowest IN ('网格', '社区村', '街镇')", name=op.f("ck_admission_lowest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission")),
    )
    op.create_index(
        "uq_admission_item", "admission", ["item"], unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")
    )
