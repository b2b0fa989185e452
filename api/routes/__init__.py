"""One module per resource."""

from __future__ import annotations

from api.routes import appeals, batches, bundles, events, export, keeping, operations, people, session, typing, units

ROUTERS = (
    batches.router,
    export.router,
    appeals.router,
    typing.router,
    events.events,
    events.alerts,
    units.router,
    bundles.router,
    keeping.reports,
    session.router,
    people.users,
    people.keys,
    keeping.audits,
    keeping.appellants,
    operations.router,
)
"""In the order of the documentation; ``/v1/appeals/batch`` and ``/export`` before ``/v1/appeals/{appeal_id}``."""
