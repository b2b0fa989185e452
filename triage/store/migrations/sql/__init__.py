"""Functions, policies and rights as SQL files, one per topic; the first migration applies them.

A released file is never edited again: a later migration brings a file of its own.
"""

from __future__ import annotations

from importlib.resources import files

from alembic import op
from sqlalchemy import Connection


def apply(name: str) -> None:
    """Run a file of this folder inside the migration that calls it."""
    run((files(__name__) / f"{name}.sql").read_text(encoding="utf-8"))


def run(script: str) -> None:
    """Run a script of several statements; ``%`` and ``:name`` in it mean themselves."""
    connection: Connection = op.get_bind()
    connection.execution_options(no_parameters=True).exec_driver_sql(script)
