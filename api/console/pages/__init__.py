"""One module per page of the console."""

from __future__ import annotations

from api.console.pages import (
    alerts,
    appeal,
    audit,
    directory,
    events,
    lists,
    models,
    overview,
    people,
    people_own,
    queue,
    reports,
    search,
    signing_in,
    trial,
)

PAGES = (
    signing_in.router,
    people_own.router,
    search.router,
    queue.router,
    appeal.router,
    alerts.router,
    events.router,
    overview.router,
    reports.router,
    lists.router,
    directory.router,
    models.router,
    audit.router,
    people.router,
    trial.router,
)
"""In no particular order: no address of one is a pattern of another's."""
