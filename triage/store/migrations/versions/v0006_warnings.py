"""The history of warning levels, and alerts for every district of an event.

Revision: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.store.migrations import sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; one alert per event and level becomes one per event, level and district."""
    _escalations()
    op.drop_constraint(op.f("uq_alerts_event_id_level"), "alerts", type_="unique")
    op.create_unique_constraint(op.f("uq_alerts_event_id_level_district"), "alerts", ["event_id", "level", "district"])
    sql.apply("warnings")


def _escalations() -> None:
    grounds = ("risk", "elsewhere", "likely", "heads", "repeat", "frequent", "growth", "returned", "overdue")
    listed = ", ".join(f"'{ground}'" for ground in grounds)
    op.create_table(
        "escalations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=True, comment="that brought it about"),
        sa.Column("district", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("level_from", sa.SmallInteger(), nullable=False),
        sa.Column(
            "level_to",
            sa.SmallInteger(),
            nullable=False,
            comment="equal to level_from where the ground came on top",
        ),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column(
            "mark",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="level or number of people it reached",
        ),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"ground IN ({listed})", name=op.f("ck_escalations_ground")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_escalations_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_escalations_appeal_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalations")),
    )
    op.create_index(op.f("ix_escalations_event_id_id"), "escalations", ["event_id", "id"])
    op.create_index(op.f("ix_escalations_at_id"), "escalations", ["at", "id"])
    op.create_index(
        "ix_escalations_appeal_id",
        "escalations",
        ["appeal_id"],
        postgresql_where=sa.text("appeal_id IS NOT NULL"),
    )
