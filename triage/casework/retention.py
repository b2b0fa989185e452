"""What is kept for how long: after some days appeals lose the person, after some more they go altogether."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, TextClause, text

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.errors import InputError
from triage.store import audit
from triage.store.access import EVERYWHERE, Actor
from triage.store.database import Database

BATCH = 500
"""Appeals per transaction: locks are held for a fraction of a second."""

LEAST_DAYS = 30

Progress = Callable[[int, int], bool]

_DUE = text("SELECT to_anonymise, to_purge FROM retention_due(:anonymise, :purge)")
_ANONYMISE = text("SELECT touched, reached FROM retention_anonymise(:since, :before, CAST(:batch AS integer))")
_PURGE = text("SELECT touched, reached FROM retention_purge(:since, :before, CAST(:batch AS integer))")
_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
_SWEEP = text("SELECT retention_sweep(:before)")


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionReport:
    """What a run did, or would do.

    Attributes:
        anonymised: Appeals that lost the person.
        purged: Appeals that were deleted.
        dry: Nothing was changed; the numbers say what would be.
    """

    anonymised: int
    purged: int
    dry: bool


def run(
    desk: Desk,
    actor: Actor,
    *,
    anonymise_after: int | None,
    purge_after: int | None,
    dry: bool = False,
    progress: Progress | None = None,
) -> RetentionReport:
    """Apply retention to every appeal by its age, whatever its state; see `keep_for`."""
    require(actor, "retention.run")
    return keep_for(
        desk.database,
        actor,
        now=desk.clock(),
        anonymise_after=anonymise_after,
        purge_after=purge_after,
        dry=dry,
        progress=progress,
    )


def keep_for(
    database: Database,
    actor: Actor,
    *,
    now: datetime,
    anonymise_after: int | None,
    purge_after: int | None,
    dry: bool = False,
    progress: Progress | None = None,
) -> RetentionReport:
    """Anonymise and purge in batches; a run that is broken off is simply run again.

    Anonymised appeals keep their masked text for statistics and lose raw text, address, appellant, signature and every
    quote. Purged ones go with everything that hangs on them; only counts in the audit remain.

    Args:
        database: The store.
        actor: Administrator or the system.
        now: The present moment.
        anonymise_after: Days since receipt; None: not at all.
        purge_after: Days since receipt, more than ``anonymise_after``; None: not at all.
        dry: Only count.
        progress: Called with (appeals done, appeals in all); returns False to stop.

    Raises:
        InputError: The days contradict each other or are fewer than 30.
    """
    _check_days(anonymise_after, purge_after)
    anonymise, purge = _before(now, anonymise_after), _before(now, purge_after)
    with database.transaction(EVERYWHERE) as connection:
        due = connection.execute(_DUE, {"anonymise": anonymise, "purge": purge}).one()
    if dry:
        return RetentionReport(anonymised=due.to_anonymise, purged=due.to_purge, dry=True)
    batches = _Batches(database, total=due.to_anonymise + due.to_purge, progress=progress)
    # Purging first: what goes altogether need not be anonymised.
    purged = batches.run(_PURGE, purge)
    anonymised = batches.run(_ANONYMISE, anonymise)
    with database.transaction(EVERYWHERE) as connection:
        _sweep(connection, anonymise or purge)
        detail = {"anonymise_after": anonymise_after, "purge_after": purge_after}
        counts = {"anonymised": anonymised, "purged": purged}
        audit.append(connection, actor=actor.name, action="retention.run", detail={**detail, **counts})
    return RetentionReport(anonymised=anonymised, purged=purged, dry=False)


class _Batches:
    """Repeats a batch until nothing is left, each in a transaction of its own."""

    def __init__(self, database: Database, *, total: int, progress: Progress | None) -> None:
        self._database = database
        self._total = total
        self._progress = progress or (lambda _done, _total: True)
        self._done = 0
        self._stopped = False

    def run(self, statement: TextClause, before: datetime | None) -> int:
        """Return how many appeals were touched."""
        touched, since = 0, _BEGINNING
        while before is not None and not self._stopped:
            values = {"since": since, "before": before, "batch": BATCH}
            with self._database.transaction(EVERYWHERE) as connection:
                row = connection.execute(statement, values).one()
            if not row.touched:
                break
            since = row.reached
            touched += row.touched
            self._done += row.touched
            self._stopped = not self._progress(self._done, max(self._total, self._done))
        return touched


def _sweep(connection: Connection, before: datetime | None) -> None:
    if before is not None:
        connection.execute(_SWEEP, {"before": before})


def _before(now: datetime, days: int | None) -> datetime | None:
    return now - timedelta(days=days) if days is not None else None


def _check_days(anonymise_after: int | None, purge_after: int | None) -> None:
    given = [days for days in (anonymise_after, purge_after) if days is not None]
    if not given:
        raise InputError("请写明 --anonymise-after 或 --purge-after 的天数")
    if min(given) < LEAST_DAYS or max(given) > 36_500:
        raise InputError(f"天数应在 {LEAST_DAYS} 至 36500 之间")
    if anonymise_after is not None and purge_after is not None and purge_after <= anonymise_after:
        raise InputError("清除天数（--purge-after）应大于匿名天数（--anonymise-after）")
