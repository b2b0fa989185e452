"""The tables of automatic dispatch, and the column that says that a person objects to it.

Revision: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from triage.store.migrations import sql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.add_column(
        "appeals",
        sa.Column(
            "no_automation",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="the appellant objects to a decision by machine alone (PIPL art. 24)",
        ),
    )
    op.create_index("ix_appeals_no_automation", "appeals", ["received_at"], postgresql_where=sa.text("no_automation"))
    _delivery_states()
    _dispatches()
    _switch()
    sql.apply("dispatching")


def _delivery_states() -> None:
    """Add ``held``: dispatched by machine, but the unit is not told yet."""
    states = ("none", "proposed", "held", "dispatched", "accepted", "handling", "objected", "returned")
    listed = ", ".join(f"'{state}'" for state in states)
    op.drop_constraint(op.f("ck_appeals_delivery_state"), "appeals", type_="check")
    op.create_check_constraint(op.f("ck_appeals_delivery_state"), "appeals", f"delivery_state IN ({listed})")


def _dispatches() -> None:
    op.create_table(
        "dispatches",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False, comment="proposed first"),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "release_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the unit is told; null: not dispatched by machine",
        ),
        sa.Column(
            "agreed",
            sa.Boolean(),
            nullable=True,
            comment="whether people sent it to the same unit; null: nobody has judged",
        ),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('shadow', 'sampled', 'held', 'sent', 'recalled', 'overtaken')",
            name=op.f("ck_dispatches_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_dispatches_appeal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_dispatches")),
    )
    op.create_index(op.f("ix_dispatches_at"), "dispatches", ["at"])
    held, judged = sa.text("outcome = 'held'"), sa.text("judged_at IS NOT NULL")
    sent = sa.text("release_at IS NOT NULL")
    op.create_index("ix_dispatches_held", "dispatches", ["release_at"], postgresql_where=held)
    op.create_index("ix_dispatches_judged", "dispatches", ["judged_at"], postgresql_where=judged)
    op.create_index("ix_dispatches_sent", "dispatches", ["at"], postgresql_where=sent)


def _switch() -> None:
    op.create_table(
        "dispatch_switch",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False, comment="counted up at each resumption"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="on begins an epoch, fallen ends it; each once, whoever is first",
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("state IN ('on', 'fallen')", name=op.f("ck_dispatch_switch_state")),
        sa.PrimaryKeyConstraint("epoch", "state", name=op.f("pk_dispatch_switch")),
    )
