"""Queues of what a unit has to do, and of what units sent back, without a sort over all appeals.

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the appeals on their way to a unit."""
    op.create_index(
        "ix_appeals_delivery_state",
        "appeals",
        ["delivery_state", "received_at"],
        postgresql_where=sa.text("case_state <> 'closed'"),
    )
