"""One module per resource."""

from __future__ import annotations

from api.routes import (
    appeals,
    batches,
    bundles,
    dispatching,
    events,
    export,
    keeping,
    learning,
    lifecycle,
    operations,
    people,
    session,
    targets,
    terms,
    typing,
    units,
    warnings,
)

ROUTERS = (
    batches.router,
    export.router,
    appeals.router,
    dispatching.steps,
    dispatching.router,
    lifecycle.steps,
    lifecycle.lists,
    terms.appeals,
    terms.router,
    terms.city,
    typing.router,
    events.events,
    events.alerts,
    warnings.router,
    units.router,
    bundles.router,
    keeping.reports,
    learning.router,
    session.router,
    people.users,
    people.keys,
    targets.targets,
    targets.deliveries,
    keeping.audits,
    keeping.appellants,
    operations.router,
)
"""In the order of the documentation; ``/v1/appeals/batch`` and ``/export`` before ``/v1/appeals/{appeal_id}``."""
