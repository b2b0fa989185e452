"""What is learned from people: their judgement of warnings, and the way to it.

Revision: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.store.migrations import sql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns of a judged warning; rows of old have none, which says that nothing was said."""
    op.add_column(
        "feedback",
        sa.Column(
            "risk_from", sa.SmallInteger(), nullable=True, comment="level that was warned of; of kind acknowledge only"
        ),
    )
    op.add_column(
        "feedback",
        sa.Column(
            "risk_to",
            sa.SmallInteger(),
            nullable=True,
            comment="level in the person's judgement; 0 is a false alarm, null: not said",
        ),
    )
    # Labels of a time are read by kind: units for training, warnings for the drift report.
    op.create_index(op.f("ix_feedback_kind_at"), "feedback", ["kind", "at"], unique=False)
    sql.apply("learning")
