"""What ``triage db status`` tells of a store; counts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import URL, text

from triage.store.migrations.running import Level, level, owner_engine

_COUNTED = {"诉求": "appeals", "事件": "events", "向量": "vectors", "用户": "users", "审计记录": "audit"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of a store.

    Attributes:
        server: Version of PostgreSQL.
        vector: Version of pgvector; None where the extension is missing.
        level: How far the tables are.
        size: Bytes on the disk.
        rows: Counts by Chinese name; empty before the first upgrade.
    """

    server: str
    vector: str | None
    level: Level
    size: int
    rows: Mapping[str, int]


def read_status(url: URL) -> Status:
    """Look at a store.

    Args:
        url: Where the owner of its tables reaches it.

    Raises:
        StoreUnavailable: If it cannot be reached.
    """
    with owner_engine(url) as engine, engine.connect() as connection:
        found = level(connection)
        counted = _COUNTED if found.current is not None else {}
        return Status(
            server=str(connection.scalar(text("SHOW server_version"))),
            vector=connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")),
            level=found,
            size=int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0),
            rows={
                name: int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608 - a fixed list
                for name, table in counted.items()
            },
        )
