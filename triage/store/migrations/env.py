"""What Alembic runs: all pending changes on the connection it is given, each in one transaction."""

from __future__ import annotations

from alembic import context

from triage.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
