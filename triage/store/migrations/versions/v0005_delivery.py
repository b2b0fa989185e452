"""The tables of messages that leave the house.

Revision: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.store.migrations import sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them, and let a message of the outbox be handed to several receivers."""
    _targets()
    _deliveries()
    op.add_column("outbox", sa.Column("hold_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.drop_constraint(op.f("ck_outbox_state"), "outbox", type_="check")
    op.create_check_constraint(op.f("ck_outbox_state"), "outbox", "state IN ('pending', 'routed', 'sent', 'dead')")
    sql.run("GRANT SELECT, INSERT, UPDATE ON targets, deliveries TO triage_app")


def _targets() -> None:
    op.create_table(
        "targets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("topics", sa.ARRAY(sa.Text()), nullable=False, comment="exact, prefix.* or *"),
        sa.Column("districts", sa.ARRAY(sa.Text()), nullable=False, comment="{*} is the whole city"),
        sa.Column("least_level", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "repeats",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="rather twice than not at all",
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="address and secrets, encrypted"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="in a row"),
        sa.Column("rest_seconds", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("rested_at", _MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('webhook', 'wecom', 'dingtalk', 'feishu', 'email')", name=op.f("ck_targets_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
    )
    op.create_index("uq_targets_name", "targets", ["name"], unique=True, postgresql_where=sa.text("removed_at IS NULL"))


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False, comment="what the receiver recognises a repetition by"),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pause_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tried_at", _MOMENT, nullable=True),
        sa.Column(
            "worker",
            sa.Integer(),
            nullable=True,
            comment="number of the advisory lock that the sending process holds",
        ),
        sa.Column("last_error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("settled_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'dead', 'uncertain', 'closed')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_deliveries_outbox_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name=op.f("fk_deliveries_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("outbox_id", "target_id", name=op.f("uq_deliveries_outbox_id_target_id")),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["target_id", "outbox_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index(
        "ix_deliveries_failed",
        "deliveries",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('dead', 'uncertain')"),
    )
