"""The dispatcher's queue in the orders of the console, and taking back one's own dispatch.

Revision: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.store.migrations import sql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes of the queue; they hold what waits only, so they stay small however much is stored."""
    waiting = sa.text("case_state = 'waiting'")
    op.create_index("ix_appeals_queue_risk", "appeals", ["risk_level", "received_at", "id"], postgresql_where=waiting)
    never = sa.text("coalesce(finish_by, 'infinity'::timestamptz)")
    op.create_index("ix_appeals_queue_due", "appeals", [never, "id"], postgresql_where=waiting)
    sql.apply("console")
