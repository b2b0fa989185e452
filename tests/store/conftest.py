"""Fixtures of the store's tests."""

from __future__ import annotations

from tests.store_fixtures import database, database_url, owner_url, server, short_folder

__all__ = ["database", "database_url", "owner_url", "server", "short_folder"]
