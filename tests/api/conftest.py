"""Fixtures of the service's tests: a running app on a fresh database, clients of every role, and the log of it all."""

from __future__ import annotations

from tests.api.harness import api_log, house, house_settings
from tests.store_fixtures import server, short_folder

__all__ = ["api_log", "house", "house_settings", "server", "short_folder"]
